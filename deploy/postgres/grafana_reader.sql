-- The role that Grafana asks with: it sees the published health views and nothing else.
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
