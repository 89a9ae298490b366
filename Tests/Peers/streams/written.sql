-- session_late_in_complete (complete): Sessions drop late rows in complete mode too.
SELECT CAST(session_window.start AS BIGINT) AS s, CAST(session_window.end AS BIGINT) AS e, k, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a GROUP BY session_window(ts, '5 seconds'), k

-- dedup_within_watermark_no_time: Duplicates without an event time are remembered as if they were of 1970.
SELECT k, v, ts FROM drop_duplicates_within_watermark(TABLE(
  SELECT * FROM STREAM a WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS a), 'v') AS t

-- semi_below_watermark: Rows that a table that stands still leaves out move no watermark.
SELECT CAST(window.start AS BIGINT) AS s, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a LEFT SEMI JOIN w ON a.k = w.k
GROUP BY window(ts, '10 seconds')

-- in_below_watermark: Neither do those that IN leaves out.
SELECT CAST(window.start AS BIGINT) AS s, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a WHERE v IN (SELECT v FROM w)
GROUP BY window(ts, '10 seconds')

-- anti_below_watermark: Nor those of an anti join.
SELECT CAST(window.start AS BIGINT) AS s, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a LEFT ANTI JOIN w ON a.k = w.k
GROUP BY window(ts, '10 seconds')

-- inner_above_watermark: An inner join with such a table stays above the watermark.
SELECT CAST(window.start AS BIGINT) AS s, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a JOIN w ON a.k = w.k
GROUP BY window(ts, '10 seconds')

-- limit_counts: The limit's one row of state.
SELECT k, v FROM STREAM a LIMIT 12

-- semi_by_time_alone: A semi join by equalities alone.
SELECT l.k, l.v, CAST(l.ts AS BIGINT) AS t
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS l
LEFT SEMI JOIN STREAM b WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS r ON l.b = r.b AND l.ts = r.ts

-- left_padded_window: The window of a partner that never came is NULL as a whole.
SELECT l.k, l.win AS lw, r.win AS rw
FROM (SELECT k, window(ts, '10 seconds') AS win FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a) AS l
LEFT JOIN (SELECT k, window(ts, '10 seconds') AS win FROM STREAM b WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS b) AS r
ON l.k = r.k AND l.win = r.win

-- full_padded_windows: Two aggregations joined by their windows.
SELECT l.w, l.n, r.w AS w2, r.n AS n2
FROM (SELECT window AS w, k, count(*) AS n FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a
      GROUP BY window(ts, '10 seconds'), k) AS l
FULL JOIN (SELECT window AS w, k, count(*) AS n FROM STREAM b WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS b
           GROUP BY window(ts, '10 seconds'), k) AS r
ON l.k <=> r.k AND l.w = r.w

-- session_before_1970_complete (complete): What is older than 1970 is late from the start, in sessions of
-- complete mode too.
SELECT session_window AS s, k, count(*) AS n
FROM (SELECT ts - INTERVAL 20 SECONDS AS at, k FROM STREAM a) WATERMARK at DELAY OF INTERVAL 0 SECONDS AS a
GROUP BY session_window(at, '5 seconds'), k

-- window_before_1970_complete (complete): Windows of complete mode drop nothing.
SELECT window AS s, k, count(*) AS n
FROM (SELECT ts - INTERVAL 20 SECONDS AS at, k FROM STREAM a) WATERMARK at DELAY OF INTERVAL 0 SECONDS AS a
GROUP BY window(at, '5 seconds'), k

-- session_over_windows: Sessions over windows that end.
SELECT session_window AS s, n, count(*) AS times
FROM (SELECT window_time(w) AS at, n
      FROM (SELECT window AS w, k, count(*) AS n FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a
            GROUP BY window(ts, '10 seconds'), k)) GROUP BY session_window(at, '15 seconds'), n

-- session_filtered_by_key: A condition on a key goes below the watermark: rows that it drops do not move it.
SELECT session_window AS s, v, count(*) AS n FROM (
  SELECT * FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a) GROUP BY session_window(ts, '3 seconds'), v
HAVING v % 2 = 0

-- dedup_time_not_read: Where nobody reads the event time, no duplicate is late.
SELECT k, v, d FROM drop_duplicates(TABLE(
  SELECT * FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a WHERE v IS NOT NULL), 'd') AS t

-- explode_below_watermark: Rows with no elements move no watermark.
SELECT window AS w, count(*) AS c FROM (
  SELECT ts, explode(a) AS e FROM STREAM n WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS n)
GROUP BY window(ts, '10 seconds')

-- join_time_not_read: Rows of a join whose event time nobody reads are never late.
SELECT l.k, l.v, r.v AS rv
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 0 SECONDS AS l JOIN STREAM b WATERMARK ts DELAY OF INTERVAL 0 SECONDS AS r
ON l.k = r.k AND l.v = r.v

-- join_filtered_by_key: What is said about one side's key holds for the other's.
SELECT l.k, l.v, r.v AS rv, l.ts
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS l JOIN STREAM b WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS r
ON l.k = r.k AND l.ts BETWEEN r.ts - INTERVAL 10 SECONDS AND r.ts + INTERVAL 10 SECONDS WHERE l.k <> 'a'

-- join_inner_update (update): An inner join takes nothing back, so update mode has it too, also below an
-- aggregation.
SELECT window AS w, count(*) AS n, sum(rv) AS s
FROM (SELECT l.ts, r.v AS rv FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS l
      JOIN STREAM b WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS r
      ON l.k = r.k AND l.ts BETWEEN r.ts - INTERVAL 10 SECONDS AND r.ts + INTERVAL 10 SECONDS)
GROUP BY window(ts, '10 seconds')

-- join_inner_update_alone (update): The same join alone.
SELECT l.k, l.v, r.v AS rv FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS l
JOIN STREAM b WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS r ON l.k = r.k

-- ordered_limit_complete (complete): The first rows of an order of all groups.
SELECT k, count(*) AS n, sum(v) AS s FROM STREAM a GROUP BY k ORDER BY n DESC, k LIMIT 2

-- exists_below_watermark: EXISTS goes below the watermark as IN does.
SELECT window AS s, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a
WHERE v > 1 AND EXISTS (SELECT 1 FROM w WHERE w.v = a.v) GROUP BY window(ts, '10 seconds')

-- in_of_time_above_watermark: What IN asks of the event time itself stays above the watermark.
SELECT window AS s, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a
WHERE second(ts) % 10 IN (SELECT v FROM w) GROUP BY window(ts, '10 seconds')

-- join_semi_update (update): A semi join takes nothing back either.
SELECT l.k, l.v, l.ts FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS l
LEFT SEMI JOIN STREAM b WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS r
ON l.k = r.k AND l.ts BETWEEN r.ts - INTERVAL 10 SECONDS AND r.ts + INTERVAL 10 SECONDS

-- not_in_below_watermark: NOT IN goes below the watermark too, with what it says about NULL.
SELECT CAST(window.start AS BIGINT) AS s, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a WHERE v NOT IN (SELECT v FROM w WHERE v IS NOT NULL)
GROUP BY window(ts, '10 seconds')

-- in_below_distinct: What IN asks of the keys of groups is asked below them, and below the watermark.
SELECT k, ts FROM (SELECT DISTINCT k, ts FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a)
WHERE k IN (SELECT k FROM w)

-- join_left_key_below_generator: A key that must be there is asked for below what generates rows, and below the
-- watermark.
SELECT l.k, l.v, r.v AS rv, r.e FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS l
LEFT JOIN (SELECT * FROM STREAM b WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS b LATERAL VIEW explode(array(1, 2)) AS e
           WHERE e IS NOT NULL) AS r
ON l.k = r.k AND l.ts BETWEEN r.ts - INTERVAL 10 SECONDS AND r.ts + INTERVAL 10 SECONDS

-- join_right_counts: What a right join remembers of its left side in the epoch in which it goes.
SELECT l.k, l.v, r.k AS rk, r.v AS rv FROM STREAM a AS l
RIGHT JOIN STREAM b WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS r ON l.k = r.k AND l.ts = r.ts

-- session_gap_of_text: A gap may be a text that is computed; a row whose text is no interval opens no session.
SELECT session_window AS s, k, count(*) AS n FROM (
  SELECT * FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a)
GROUP BY session_window(ts, concat(v, CASE WHEN v % 3 = 0 THEN ' second' ELSE ' seconds' END)), k

-- session_gap_of_a_month: A gap of months ends by the calendar.
SELECT session_window AS s, k, count(*) AS n FROM (
  SELECT * FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a)
GROUP BY session_window(ts, CASE k WHEN 'a' THEN '2 seconds' WHEN 'b' THEN '-1 second' ELSE '1 month -30 days' END), k

-- session_gap_of_zero: No row opens a session whose gap is zero; the watermark moves.
SELECT session_window AS s, k, count(*) AS n FROM (
  SELECT * FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a) GROUP BY session_window(ts, '0 seconds'), k

-- session_late_counts: Late rows of one session count once, as groups do.
SELECT session_window AS s, b, count(*) AS n FROM (SELECT *, explode(array(1, 2)) AS e
  FROM STREAM a WATERMARK ts DELAY OF INTERVAL 3 SECONDS AS a) GROUP BY session_window(ts, '3 seconds'), b
