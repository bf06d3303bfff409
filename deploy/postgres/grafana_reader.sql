-- The role that Grafana asks with: it sees published views that hold no records and no secrets, and nothing else.
-- Run it as an administrator after the services have made their views, as often as you like.
-- The password is the setting grafana.password, as in PGOPTIONS="-c grafana.password=...".

do $$
begin
    if not exists (select from pg_roles where rolname = 'lineshaft_grafana') then
        create role lineshaft_grafana login;
    end if;
    execute format('alter role lineshaft_grafana password %L', current_setting('grafana.password'));
end
$$;

alter role lineshaft_grafana set default_transaction_read_only = on;
alter role lineshaft_grafana set statement_timeout = '15s';

grant usage on schema health_monitor to lineshaft_grafana;
grant select on health_monitor.status_view, health_monitor.issue_view to lineshaft_grafana;

grant usage on schema connector, mapping, notifier to lineshaft_grafana;
grant select on health_monitor.timeline_view, health_monitor.error_view to lineshaft_grafana;
grant select on connector.sync_view, connector.schedule_view to lineshaft_grafana;
grant select on mapping.freshness_view to lineshaft_grafana;
-- without the values that did not fit, and the records that they are of
grant select (connection_id, entity, field, mapping_version, count, code, reason, last_at)
    on mapping.field_health_view to lineshaft_grafana;
grant select on notifier.delivery_view, notifier.endpoint_state_view to lineshaft_grafana;
