-- The tables that the default mapping reads. Views with these names and columns serve as well.

create table locations (
    id integer primary key,
    code varchar(30) not null,
    name varchar(120) not null,
    kind varchar(20) not null, -- building, area, line, storeroom
    parent_id integer,
    active boolean not null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null
);

create table vendors (
    id integer primary key,
    code varchar(30) not null,
    name varchar(120) not null,
    email varchar(120),
    phone varchar(60),
    tax_id varchar(30),
    currency char(3),
    active boolean not null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null
);

create table parts (
    id integer primary key,
    number varchar(30) not null,
    name varchar(120) not null,
    description text,
    manufacturer_number varchar(60),
    kind varchar(20) not null, -- stock, non_stock, service, tool, rotable
    unit varchar(10),
    unit_cost numeric(12, 2),
    currency char(3),
    lead_time_days integer,
    vendor_id integer,
    active boolean not null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null
);

create table assets (
    id integer primary key,
    number varchar(30) not null,
    name varchar(120) not null,
    class varchar(30),
    manufacturer varchar(60),
    model varchar(60),
    serial_number varchar(60),
    status varchar(20) not null, -- running, standby, repair, stopped, scrapped
    criticality char(1), -- A, B, C
    location_id integer,
    parent_id integer,
    commissioned_on date,
    created_at datetime(6) not null,
    updated_at datetime(6) not null
);

create table purchase_orders (
    id integer primary key,
    number varchar(30) not null,
    title varchar(120),
    status varchar(20) not null, -- draft, approved, sent, received, closed, cancelled
    vendor_id integer,
    ordered_on date,
    delivery_on date,
    currency char(3),
    total numeric(14, 2),
    created_at datetime(6) not null,
    updated_at datetime(6) not null
);

create table work_orders (
    id integer auto_increment primary key,
    number varchar(30) not null,
    title varchar(120) not null,
    description text,
    kind varchar(20), -- corrective, preventive, inspection, calibration
    status varchar(20) not null, -- open, planned, working, waiting, done, closed, cancelled
    priority smallint, -- 1 (at once) to 4 (when there is time)
    asset_id integer,
    location_id integer,
    planned_start datetime(6),
    planned_end datetime(6),
    completed_at datetime(6),
    created_at datetime(6) not null default current_timestamp(6),
    updated_at datetime(6) not null default current_timestamp(6)
);

create index locations_changed on locations (updated_at, id);
create index vendors_changed on vendors (updated_at, id);
create index parts_changed on parts (updated_at, id);
create index assets_changed on assets (updated_at, id);
create index purchase_orders_changed on purchase_orders (updated_at, id);
create index work_orders_changed on work_orders (updated_at, id);
