-- The systems that the customer chooses from; null: the vendor has named the system.
-- Until the first attempt the system of such a session is ''.
alter table link_session add column offered text[];
