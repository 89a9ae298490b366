# Aggregates: with and without groups, over nothing, with NULLs; grouping sets and pivots.
$agg := count ; sum ; avg ; mean ; min ; max ; first ; last ; any_value ; stddev_pop ; stddev_samp ; stddev ; var_pop ; var_samp ; variance ; skewness ; kurtosis ; median ; mode ; bit_and ; bit_or ; bit_xor ; bool_and ; bool_or ; count_if ; every ; some
$rows := (1), (2), (2), (7) ; (1), (NULL) ; (CAST(NULL AS INT)) ; (2147483647), (2147483647) ; (1.50), (2.25) ; (0.5D), (DOUBLE('NaN')) ; ('a'), ('b') ; (true), (false), (NULL) ; (DATE'2024-01-01'), (DATE'2023-01-01') ; (9223372036854775807), (1) ; (1Y), (100Y) ; (INTERVAL '1' DAY) ; (99999999999999999999999999999999999999) ; (1.5F), (2.5F) ; (TIMESTAMP'2024-01-01 00:00:00')
SELECT $agg(x) FROM VALUES $rows AS t(x)
$plain := sum ; avg ; min ; max ; count ; stddev ; median ; bool_or ; bit_xor ; first ; mode
SELECT $plain(x) FROM VALUES (1) AS t(x) WHERE x > 1
SELECT $plain(DISTINCT x) FROM VALUES (1), (1), (4), (NULL) AS t(x)
SELECT count(*), count(1), count(NULL), count(x, y) FROM VALUES (1, 2), (1, NULL), (NULL, NULL) AS t(x, y)
SELECT count(DISTINCT x, y) FROM VALUES (1, 2), (1, 2), (1, NULL), (2, 2) AS t(x, y)
SELECT x, sum(y) FROM VALUES ('a', 1), ('b', 2), ('a', NULL), (NULL, 4), (NULL, 5) AS t(x, y) GROUP BY x
SELECT x, count(*) FROM VALUES (0.0D), (-0.0D), (DOUBLE('NaN')), (DOUBLE('NaN')), (NULL) AS t(x) GROUP BY x
SELECT x FROM VALUES (1), (2) AS t(x) WHERE x > 5 GROUP BY x
SELECT sum(x) FROM VALUES (1), (2) AS t(x) HAVING sum(x) > 5
SELECT x % 2 AS m, sum(x) FROM VALUES (1), (2), (3) AS t(x) GROUP BY m HAVING count(*) > 1
SELECT x, x + 1, count(*) FROM VALUES (1), (2), (1) AS t(x) GROUP BY x, x + 1
SELECT upper(x), max(y) FROM VALUES ('a', 1), ('A', 2), ('b', 3) AS t(x, y) GROUP BY upper(x)
SELECT x, y, sum(z) FROM VALUES (1, 2, 3), (1, 2, 4), (5, 6, 7) AS t(x, y, z) GROUP BY ALL
SELECT x, sum(y) FROM VALUES (1, 2), (1, 3) AS t(x, y) GROUP BY 1
SELECT sum(x) FILTER (WHERE x > 1), count(*) FILTER (WHERE x IS NULL) FROM VALUES (1), (2), (3), (NULL) AS t(x)
SELECT max_by(x, y), min_by(x, y) FROM VALUES ('a', 1), ('b', 3), ('c', NULL) AS t(x, y)
SELECT max_by(x, y) FROM VALUES ('a', NULL) AS t(x, y)
SELECT covar_pop(x, y), covar_samp(x, y), corr(x, y) FROM VALUES (1, 2), (3, 5), (4, NULL), (8, 1) AS t(x, y)
SELECT covar_samp(x, y), corr(x, y) FROM VALUES (1, 2) AS t(x, y)
SELECT percentile(x, 0.3) FROM VALUES (1), (2), (4), (10) AS t(x)
SELECT percentile(x, 1.5) FROM VALUES (1) AS t(x)
SELECT percentile(x, y) FROM VALUES (1, 0.5) AS t(x, y)
SELECT percentile(x, array(0.25, 0.75)) FROM VALUES (1), (2), (4), (10) AS t(x)
SELECT first(x, true), last(x, true) FROM VALUES (NULL), (2), (3), (NULL) AS t(x)
SELECT first(x) IGNORE NULLS, last(x) IGNORE NULLS FROM VALUES (NULL), (2), (3), (NULL) AS t(x)
SELECT sum(x) + count(*) * 2, round(avg(x), 1) FROM VALUES (1), (2), (4) AS t(x)
SELECT sum('1')
SELECT sum(x) FROM VALUES ('1'), ('2.5') AS t(x)
SELECT avg(x) FROM VALUES ('1'), ('x') AS t(x)
SELECT sum(CAST(x AS DECIMAL(38, 2))) FROM VALUES (1), (2) AS t(x)
SELECT avg(CAST(x AS DECIMAL(10, 2))) FROM VALUES (1), (2), (2) AS t(x)
SELECT min(x), max(x) FROM VALUES (array(1, 2)), (array(1)), (NULL) AS t(x)
SELECT max(x) FROM VALUES (map('a', 1)) AS t(x)
SELECT min(x), max(x) FROM VALUES (DOUBLE('NaN')), (1D), (DOUBLE('Infinity')) AS t(x)
SELECT count(x) FROM VALUES (1) AS t(x) GROUP BY ()
SELECT x, y, count(*), grouping(x), grouping_id() FROM VALUES (1, 'a'), (1, 'b'), (2, 'a') AS t(x, y)
 GROUP BY GROUPING SETS ((x, y), (x), ())
SELECT x, y, sum(z) FROM VALUES (1, 'a', 5), (1, 'b', 6), (NULL, 'a', 7) AS t(x, y, z) GROUP BY ROLLUP (x, y)
SELECT x, y, sum(z) FROM VALUES (1, 'a', 5), (1, 'b', 6), (NULL, 'a', 7) AS t(x, y, z) GROUP BY CUBE (x, y)
SELECT x, count(*) FROM VALUES (1), (2) AS t(x) GROUP BY x WITH ROLLUP
SELECT x, count(*) FROM VALUES (1), (2) AS t(x) GROUP BY x WITH CUBE
SELECT grouping(x) FROM VALUES (1) AS t(x) GROUP BY x
SELECT * FROM VALUES ('a', 1, 10), ('a', 2, 20), ('b', 1, 30) AS t(k, q, v) PIVOT (sum(v) FOR q IN (1, 2))
SELECT * FROM VALUES ('a', 1, 10), ('a', 2, 20), ('b', 1, 30) AS t(k, q, v)
 PIVOT (sum(v) AS s, count(*) AS n FOR q IN (1 AS one, 3 AS three))
SELECT * FROM VALUES ('a', 1, 2), ('b', 3, NULL) AS t(k, p, q) UNPIVOT (v FOR n IN (p, q))
SELECT * FROM VALUES ('a', 1, 2), ('b', 3, NULL) AS t(k, p, q) UNPIVOT INCLUDE NULLS (v FOR n IN (p AS one, q AS two))
SELECT x, sum(y) FROM VALUES (1, 2) AS t(x, y)
SELECT x FROM VALUES (1) AS t(x) GROUP BY y
SELECT sum(sum(x)) FROM VALUES (1) AS t(x)
SELECT sum(x) FROM VALUES (1) AS t(x) WHERE sum(x) > 1
SELECT x FROM VALUES (1) AS t(x) GROUP BY sum(x)
SELECT count() FROM VALUES (1) AS t(x)
SELECT sum() FROM VALUES (1) AS t(x)
SELECT sum(DISTINCT x), sum(x), count(DISTINCT y) FROM VALUES (1, 'a'), (1, 'b'), (2, 'a') AS t(x, y)
SELECT any(x), bool_and(x IS NULL) FROM VALUES (true), (NULL) AS t(x)
SELECT mode(x) FROM VALUES (NULL), (NULL), (3) AS t(x)
SELECT DISTINCT count(*) FROM VALUES (1), (1), (2) AS t(x) GROUP BY x
SELECT x AS y, count(*) FROM VALUES (1), (1), (2) AS t(x) GROUP BY y ORDER BY count(*) DESC
SELECT x FROM VALUES (1), (1), (2) AS t(x) GROUP BY x ORDER BY sum(x) DESC, x
