-- The kinds of commands are the code's: a new one needs no migration.
alter table command drop constraint command_kind_check;
