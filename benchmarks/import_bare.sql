-- First reference of benchmarks/import_bench.py: the cells of the workbook as they are, by COPY into a bare table
-- without index, key, journal or sealing.
CREATE TABLE bench_import_bare (
    own_number text,
    appellant text,
    phone text,
    subject text,
    received_at text,
    body text,
    reply text,
    answered_at text
);
