-- The kinds of commands are the code's: a new one needs no migration.
alter table command_job drop constraint command_job_kind_check;
