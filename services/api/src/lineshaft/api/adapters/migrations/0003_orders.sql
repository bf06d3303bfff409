-- Orders of operators: breakers, mutes, replays.
alter table command drop constraint command_kind_check;
alter table command add constraint command_kind_check check (kind in (
    'authorize', 'write', 'endpoint_test', 'redelivery', 'breaker', 'mute', 'replay', 'replay_cancel'
));

alter table webhook_endpoint add column ordered boolean not null default false;
