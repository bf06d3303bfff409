-- What is done of a command that takes long, for whoever waits.
alter table command_job add column progress jsonb;

create view command_progress_view as
select connection_id, command_id, progress from command_job where progress is not null;
grant select on command_progress_view to lineshaft_api;
