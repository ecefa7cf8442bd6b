create table if not exists digest (
    table_name text not null,
    key blob not null,
    rows integer not null,
    -- Two halves of a sum, each modulo 2^64, kept as signed integers.
    sum_high integer not null,
    sum_low integer not null,
    primary key (table_name, key)
) without rowid
