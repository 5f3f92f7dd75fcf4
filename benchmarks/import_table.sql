-- Second reference of benchmarks/import_bench.py: the same cells by COPY into the table of appeals, which keeps its
-- indexes (search by two-character grams among them); still nothing is cleaned, checked, sealed or journalled.
COPY appeal (number, state, channel_class, subject, received_at, body, result, answered_at, source, source_no)
FROM STDIN;
