-- Of a custom object: the source object that it is made from; empty once it was removed. Null: the system says.
alter table mapping_version add column object text;
