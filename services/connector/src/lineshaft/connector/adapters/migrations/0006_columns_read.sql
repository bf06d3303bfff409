-- Which fields the last complete read of an object asked for: a mapping that needs another one needs another read.
alter table stream add column columns text[];
