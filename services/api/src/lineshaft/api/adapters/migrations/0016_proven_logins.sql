-- Whether the connector has credentials in force of a customer who has not chosen yet.
alter table link_session add column proven boolean not null default false;
update link_session set proven = true where state = 'choosing';
