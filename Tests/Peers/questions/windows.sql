# Functions with OVER.
$rank := row_number() ; rank() ; dense_rank() ; percent_rank() ; cume_dist() ; ntile(2) ; ntile(3)
$order := x ; x DESC ; x NULLS LAST ; x DESC NULLS FIRST
SELECT x, $rank OVER (ORDER BY $order) FROM VALUES (3), (1), (3), (NULL), (2) AS t(x)
$agg := sum(x) ; count(*) ; avg(x) ; min(x) ; max(x) ; first_value(x) ; last_value(x) ; nth_value(x, 2) ; count(x) ; first(x, true)
$frame := ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW ; ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING ;
 RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW ; RANGE BETWEEN 1 PRECEDING AND CURRENT ROW ;
 ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING ; ROWS 2 PRECEDING ;
 ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING ; ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
SELECT k, x, $agg OVER (PARTITION BY k ORDER BY x $frame)
 FROM VALUES ('a', 1), ('a', 2), ('a', 4), ('b', NULL), ('b', 5), (NULL, 7) AS t(k, x)
SELECT k, x, $agg OVER (PARTITION BY k) FROM VALUES ('a', 1), ('b', 5) AS t(k, x)
$shift := lag(x) ; lead(x) ; lag(x, 2) ; lead(x, 2, -1) ; lag(x, 0) ; lag(x, -1) ; lag(x) IGNORE NULLS
SELECT x, $shift OVER (ORDER BY y) FROM VALUES (10, 1), (NULL, 2), (30, 3), (40, 4) AS t(x, y)
SELECT x, sum(x) OVER (ORDER BY d RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW)
 FROM VALUES (1, DATE'2024-01-01'), (2, DATE'2024-01-02'), (3, DATE'2024-01-05') AS t(x, d)
SELECT x, sum(x) OVER w, count(*) OVER w FROM VALUES (1), (2) AS t(x) WINDOW w AS (ORDER BY x)
SELECT x, row_number() OVER (ORDER BY x) AS n FROM VALUES (5), (6), (7) AS t(x) QUALIFY n = 2
SELECT k, sum(x), rank() OVER (ORDER BY sum(x) DESC) FROM VALUES ('a', 1), ('b', 5), ('a', 2) AS t(k, x) GROUP BY k
SELECT sum(sum(x)) OVER () FROM VALUES (1), (2) AS t(x) GROUP BY x
SELECT x, sum(x) FILTER (WHERE x > 1) OVER (ORDER BY x) FROM VALUES (1), (2), (3) AS t(x)
SELECT row_number() OVER () FROM VALUES (1) AS t(x)
SELECT rank() OVER (PARTITION BY x) FROM VALUES (1) AS t(x)
SELECT row_number() FROM VALUES (1) AS t(x)
SELECT upper(x) OVER (ORDER BY x) FROM VALUES ('a') AS t(x)
SELECT x FROM VALUES (1) AS t(x) WHERE row_number() OVER (ORDER BY x) = 1
SELECT ntile(0) OVER (ORDER BY x) FROM VALUES (1) AS t(x)
SELECT lag(x, x) OVER (ORDER BY x) FROM VALUES (1) AS t(x)
SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM VALUES (1) AS t(x)
SELECT sum(x) OVER (ORDER BY y RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM VALUES (1, 'a') AS t(x, y)
SELECT count(DISTINCT x) OVER (ORDER BY x) FROM VALUES (1) AS t(x)
SELECT sum(x) OVER nosuch FROM VALUES (1) AS t(x)
SELECT percent_rank() OVER (ORDER BY x), cume_dist() OVER (ORDER BY x) FROM VALUES (1) AS t(x)
