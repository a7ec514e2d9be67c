-- The conservation ledger, from the export alone: cd FOLDER && duckdb < ledger.sql
-- received = routed + duplicates + dead letters + rekeyed, and a residual of 0; an input record that ended
-- nowhere, or in two places, is a residual. What began before the period or ended after it is one too.
with arrived as (
    select "partition" || '/' || "offset" as place, * from 'l233.events/*.parquet'
),
ended as (
    select input as place, 'routed' as outcome from 'l233.decisions/*.parquet'
    union all
    select input, 'duplicates' from 'l233.receipts/*.parquet' where outcome = 'duplicate'
    union all
    select input, 'dead_letters' from 'l233.dead-letters/*.parquet' where source = 'urn:l233:intake'
),
put_back as (
    -- A record that says it was put back is believed only if its original needed it, word for word.
    select distinct original.place
    from arrived as claim
    join arrived as original on original.place = claim.rekeyed
    where claim.subject is not null
      and original.said = claim.said
      and (original.key is distinct from encode(claim.subject) or original."partition" <> claim.belongs)
),
counted as (
    select
        place,
        count(*) filter (outcome = 'routed') as routed,
        count(*) filter (outcome = 'duplicates') as duplicates,
        count(*) filter (outcome = 'dead_letters') as dead_letters
    from ended
    group by place
),
balanced as (
    select
        coalesce(arrived.day, 'elsewhere') as day,
        (arrived.place is not null)::int as received,
        coalesce(routed, 0) as routed,
        coalesce(duplicates, 0) as duplicates,
        coalesce(dead_letters, 0) as dead_letters,
        (put_back.place is not null)::int as rekeyed
    from arrived
    full join counted on counted.place = arrived.place
    left join put_back on put_back.place = arrived.place
)
select
    coalesce(day, 'total') as day,
    sum(received)::bigint as received,
    sum(routed)::bigint as routed,
    sum(duplicates)::bigint as duplicates,
    sum(dead_letters)::bigint as dead_letters,
    sum(rekeyed)::bigint as rekeyed,
    count(*) filter (received = 0 or routed + duplicates + dead_letters + rekeyed <> 1) as residual
from balanced
group by rollup (day)
order by day is null, 1;
