-- all rows
SELECT * FROM sales;
-- projection and filter
SELECT id, quantity * price AS revenue FROM sales WHERE category = 'Toys' AND quantity > 3;
-- filter with NULLs
SELECT id FROM sales WHERE NOT (quantity > 3) OR price IS NULL;
-- filter by IN with NULLs
SELECT id, category FROM sales WHERE category NOT IN ('Toys', 'Books');
-- filter by LIKE
SELECT id, category FROM sales WHERE category LIKE 't%' OR category LIKE '%bel';
-- filter by date
SELECT id, sold FROM sales WHERE sold BETWEEN DATE'2024-03-01' AND DATE'2024-03-15';
-- filter by timestamp
SELECT id, moment FROM sales WHERE moment >= TIMESTAMP'2024-06-01 12:00:00' AND moment < TIMESTAMP'2024-06-02 12:00:00';
-- duckdb
SELECT id, moment FROM sales WHERE moment >= TIMESTAMP '2024-06-01 12:00:00' AND moment < TIMESTAMP '2024-06-02 12:00:00';
-- order and limit
SELECT id, price FROM sales ORDER BY price DESC, id LIMIT 20;
-- order with NULLs
SELECT id, price FROM sales ORDER BY price, id;
-- order NULLS LAST
SELECT id, discount FROM sales ORDER BY discount NULLS LAST, id DESC LIMIT 2900;
-- order by an expression
SELECT id FROM sales ORDER BY quantity * price DESC NULLS LAST, id LIMIT 50;
-- order by position
SELECT category, id FROM sales ORDER BY 1, 2 DESC LIMIT 100;
-- offset
SELECT id FROM sales ORDER BY id LIMIT 10 OFFSET 995;
-- distinct
SELECT DISTINCT category FROM sales;
-- distinct of two
SELECT DISTINCT category, quantity FROM sales;
-- count (not yet)
SELECT count(*), count(price), count(DISTINCT customer_id), count(DISTINCT category, quantity) FROM sales;
-- duckdb
SELECT count(*), count(price), count(DISTINCT customer_id),
  count(DISTINCT CASE WHEN category IS NOT NULL AND quantity IS NOT NULL THEN (category, quantity) END) FROM sales;
-- sums
SELECT sum(quantity), sum(price), sum(discount), sum(quantity * price) FROM sales;
-- averages
SELECT avg(quantity), avg(price), avg(discount) FROM sales;
-- duckdb
SELECT avg(quantity), avg(price), round(CAST(sum(discount) AS DECIMAL(38,8)) / count(discount), 6) FROM sales;
-- least and most
SELECT min(price), max(price), min(category), max(category), min(sold), max(moment), min(discount) FROM sales;
-- spread (not yet)
SELECT stddev(price), variance(price), stddev_pop(quantity), var_pop(quantity) FROM sales;
-- aggregates of nothing
SELECT count(*), sum(quantity), min(category), avg(price) FROM sales WHERE id < 0;
-- groups of nothing
SELECT category, count(*) FROM sales WHERE id < 0 GROUP BY category;
-- group by one
SELECT category, count(*) AS n, sum(quantity) AS q FROM sales GROUP BY category;
-- group by two
SELECT category, sold, sum(price) FROM sales GROUP BY category, sold;
-- group by an expression
SELECT upper(trim(category)) AS c, month(sold) AS m, sum(quantity * price) FROM sales
GROUP BY upper(trim(category)), month(sold);
-- group by position
SELECT upper(trim(category)), count(*) FROM sales GROUP BY 1;
-- group by an alias
SELECT year(sold) * 100 + month(sold) AS ym, count(*) FROM sales GROUP BY ym;
-- group by a double
SELECT price, count(*) FROM sales GROUP BY price;
-- group by a decimal
SELECT discount, count(*), sum(quantity) FROM sales GROUP BY discount;
-- having
SELECT customer_id, count(*) AS n FROM sales GROUP BY customer_id HAVING count(*) > 25;
-- having without its aggregate in the list
SELECT customer_id FROM sales GROUP BY customer_id HAVING sum(quantity) > 150 AND max(price) < 499;
-- filtered aggregates
SELECT category, count(*) FILTER (WHERE quantity > 5) AS many, sum(price) FILTER (WHERE discount IS NULL) AS s
FROM sales GROUP BY category;
-- count_if
SELECT category, count_if(price > 250) FROM sales GROUP BY category;
-- aggregates of aggregates' expressions
SELECT category, round(sum(price) / count(*), 2), max(quantity) - min(quantity) + 1 FROM sales GROUP BY category;
-- order by an aggregate
SELECT product, sum(quantity) AS q FROM sales GROUP BY product ORDER BY sum(quantity) DESC, product LIMIT 10;
-- bool aggregates
SELECT category, bool_and(quantity > 0), bool_or(price > 499.9) FROM sales GROUP BY category;
-- distinct sums (not yet)
SELECT category, sum(DISTINCT quantity), count(DISTINCT product), avg(DISTINCT quantity) FROM sales GROUP BY category;
-- inner join
SELECT s.id, c.name FROM sales s JOIN customers c ON s.customer_id = c.customer_id;
-- left join
SELECT s.id, s.customer_id, c.city FROM sales s LEFT JOIN customers c ON s.customer_id = c.customer_id;
-- right join
SELECT s.id, c.customer_id FROM sales s RIGHT JOIN customers c ON s.customer_id = c.customer_id;
-- full join (not yet)
SELECT s.id, c.customer_id FROM sales s FULL OUTER JOIN customers c ON s.customer_id = c.customer_id;
-- left join with a condition on the right side
SELECT s.id, c.name FROM sales s LEFT JOIN customers c ON s.customer_id = c.customer_id AND c.state = 'AT';
-- left join then a filter
SELECT s.id FROM sales s LEFT JOIN customers c ON s.customer_id = c.customer_id WHERE c.customer_id IS NULL;
-- semi join
SELECT c.customer_id FROM customers c LEFT SEMI JOIN sales s ON s.customer_id = c.customer_id AND s.quantity = 9;
-- duckdb
SELECT c.customer_id FROM customers c SEMI JOIN sales s ON s.customer_id = c.customer_id AND s.quantity = 9;
-- anti join
SELECT c.customer_id FROM customers c LEFT ANTI JOIN sales s ON s.customer_id = c.customer_id AND s.quantity = 9;
-- duckdb
SELECT c.customer_id FROM customers c ANTI JOIN sales s ON s.customer_id = c.customer_id AND s.quantity = 9;
-- cross join
SELECT a.city, b.city FROM (SELECT DISTINCT city FROM customers) a CROSS JOIN (SELECT DISTINCT city FROM customers) b;
-- comma join
SELECT count(*) FROM sales s, customers c WHERE s.customer_id = c.customer_id AND s.sold > c.since;
-- join by USING
SELECT customer_id, name, sum(quantity) FROM sales JOIN customers USING (customer_id) GROUP BY customer_id, name;
-- natural join
SELECT count(*), sum(quantity) FROM sales NATURAL JOIN customers;
-- join on NULL-safe equality
SELECT a.category, count(*) FROM sales a JOIN (SELECT DISTINCT category FROM sales WHERE quantity = 1) b
  ON a.category <=> b.category GROUP BY a.category;
-- duckdb
SELECT a.category, count(*) FROM sales a JOIN (SELECT DISTINCT category FROM sales WHERE quantity = 1) b
  ON a.category IS NOT DISTINCT FROM b.category GROUP BY a.category;
-- self join
SELECT a.id, b.id FROM sales a JOIN sales b ON a.customer_id = b.customer_id AND a.sold = b.sold AND a.id < b.id;
-- join of three
SELECT c.state, p.product, count(*) FROM sales s JOIN customers c ON s.customer_id = c.customer_id
  JOIN (SELECT product FROM sales GROUP BY product HAVING count(*) > 80) p ON s.product = p.product
GROUP BY c.state, p.product;
-- join on an expression
SELECT count(*) FROM sales s JOIN customers c ON lower(s.customer_id) = lower(c.customer_id) AND s.price < c.credit;
-- join of mixed types
SELECT count(*) FROM sales a JOIN sales b ON a.quantity = b.discount;
-- union all
SELECT id FROM sales WHERE quantity = 1 UNION ALL SELECT id FROM sales WHERE quantity <= 2;
-- union
SELECT category FROM sales UNION SELECT city FROM customers;
-- union of mixed types
SELECT quantity FROM sales UNION SELECT price FROM sales WHERE price > 490;
-- intersect
SELECT customer_id FROM sales INTERSECT SELECT customer_id FROM customers;
-- except
SELECT customer_id FROM sales EXCEPT SELECT customer_id FROM customers;
-- except all (not yet)
SELECT category FROM sales EXCEPT ALL SELECT category FROM sales WHERE id < 1500;
-- intersect all (not yet)
SELECT quantity FROM sales WHERE id < 100 INTERSECT ALL SELECT quantity FROM sales WHERE id >= 2950;
-- subquery in FROM
SELECT state, max(total) FROM (SELECT c.state, c.city, sum(s.price) AS total FROM sales s JOIN customers c
  ON s.customer_id = c.customer_id GROUP BY c.state, c.city) GROUP BY state;
-- CTE
WITH big AS (SELECT * FROM sales WHERE price > 300), per AS (SELECT customer_id, count(*) AS n FROM big GROUP BY customer_id)
SELECT n, count(*) FROM per GROUP BY n ORDER BY n;
-- CTE used twice
WITH d AS (SELECT category, sum(quantity) AS q FROM sales GROUP BY category)
SELECT a.category, a.q, b.q FROM d a JOIN d b ON a.q < b.q;
-- scalar subquery (not yet)
SELECT id, price FROM sales WHERE price > (SELECT avg(price) * 1.95 FROM sales);
-- IN subquery (not yet)
SELECT id FROM sales WHERE customer_id IN (SELECT customer_id FROM customers WHERE city = 'Wien');
-- NOT IN subquery (not yet)
SELECT id FROM sales WHERE customer_id NOT IN (SELECT customer_id FROM customers WHERE city = 'Wien');
-- EXISTS (not yet)
SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM sales s WHERE s.customer_id = c.customer_id AND s.price > 480);
-- NOT EXISTS (not yet)
SELECT name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM sales s WHERE s.customer_id = c.customer_id AND s.quantity = 9);
-- VALUES
SELECT * FROM VALUES (1, 'a'), (2, NULL), (NULL, 'c') AS t(x, y) ORDER BY x;
-- duckdb
SELECT * FROM (VALUES (1, 'a'), (2, NULL), (NULL, 'c')) AS t(x, y) ORDER BY x;
-- join with VALUES
SELECT v.label, count(*) FROM sales s JOIN VALUES ('Toys', 't'), ('Books', 'b') AS v(category, label)
  ON s.category = v.category GROUP BY v.label;
-- duckdb
SELECT v.label, count(*) FROM sales s JOIN (VALUES ('Toys', 't'), ('Books', 'b')) AS v(category, label)
  ON s.category = v.category GROUP BY v.label;
-- star with EXCEPT
SELECT * EXCEPT (moment, discount) FROM sales WHERE id < 50;
-- duckdb
SELECT * EXCLUDE (moment, discount) FROM sales WHERE id < 50;
-- lateral alias
SELECT id, quantity * price AS r, r * 0.1D AS tax FROM sales WHERE id < 500;
-- duckdb
SELECT id, quantity * price AS r, r * 0.1 AS tax FROM sales WHERE id < 500;
-- CASE in a group
SELECT CASE WHEN price > 300 THEN 'high' WHEN price > 100 THEN 'mid' ELSE 'low' END AS band, count(*), sum(quantity)
FROM sales GROUP BY CASE WHEN price > 300 THEN 'high' WHEN price > 100 THEN 'mid' ELSE 'low' END;
-- grouping sets (not yet)
SELECT category, month(sold) AS m, sum(quantity) FROM sales GROUP BY GROUPING SETS ((category), (month(sold)), ());
-- rollup (not yet)
SELECT category, quantity, count(*) FROM sales GROUP BY ROLLUP (category, quantity);
-- row_number (not yet)
SELECT id, row_number() OVER (PARTITION BY category ORDER BY price, id) AS r FROM sales;
-- rank and sums over windows (not yet)
SELECT id, rank() OVER (PARTITION BY category ORDER BY quantity) AS r,
  sum(quantity) OVER (PARTITION BY customer_id) AS q FROM sales;
-- unnamed columns
SELECT count(*), sum(quantity + 1), upper(category), category || 'x' FROM sales GROUP BY category;
-- pipe syntax
FROM sales |> WHERE quantity > 5 |> AGGREGATE sum(price) AS p GROUP BY category |> WHERE p > 100 |> ORDER BY category;
-- duckdb
SELECT category, sum(price) AS p FROM sales WHERE quantity > 5 GROUP BY category HAVING p > 100 ORDER BY category;
-- in subquery
SELECT id FROM sales WHERE customer_id IN (SELECT customer_id FROM customers WHERE state = 'AT');
-- not in subquery without NULLs
SELECT id FROM sales WHERE customer_id NOT IN (SELECT customer_id FROM customers WHERE state = 'AT');
-- not in subquery with NULLs
SELECT id FROM sales WHERE category NOT IN (SELECT city FROM customers);
-- not in of several columns
SELECT id FROM sales WHERE (customer_id, quantity) NOT IN (SELECT customer_id, month(since) FROM customers);
-- in subquery as a value
SELECT id, category IN (SELECT city FROM customers) AS known, quantity NOT IN (SELECT month(since) FROM customers)
FROM sales;
-- correlated not in
SELECT customer_id FROM customers AS c
WHERE 3 NOT IN (SELECT quantity FROM sales AS s WHERE s.customer_id = c.customer_id);
-- exists
SELECT name FROM customers AS c WHERE EXISTS (SELECT 1 FROM sales AS s WHERE s.customer_id = c.customer_id AND price > 490);
-- not exists with a range
SELECT name FROM customers AS c
WHERE NOT EXISTS (SELECT 1 FROM sales AS s WHERE s.customer_id = c.customer_id AND s.price * 10 > c.credit);
-- exists beside or
SELECT name FROM customers AS c
WHERE state = 'AT' AND city = 'Wien' OR EXISTS (SELECT 1 FROM sales AS s WHERE s.customer_id = c.customer_id AND quantity = 9);
-- scalar subquery
SELECT id FROM sales WHERE price > (SELECT avg(price) * 1.5 FROM sales);
-- correlated scalar subquery
SELECT id FROM sales AS s WHERE price > (SELECT avg(price) FROM sales AS o WHERE o.category = s.category);
-- correlated count in the select list
SELECT name, (SELECT count(*) FROM sales AS s WHERE s.customer_id = c.customer_id AND s.quantity > 5) AS n FROM customers AS c;
-- correlated count with a range
SELECT customer_id, (SELECT count(*) FROM customers AS o WHERE o.since < c.since) AS older FROM customers AS c;
-- correlated sum with or
SELECT customer_id, (SELECT sum(quantity) FROM sales AS s WHERE s.customer_id = c.customer_id OR s.sold = c.since) AS q
FROM customers AS c;
-- scalar subquery with having
SELECT name, (SELECT max(price) FROM sales AS s WHERE s.customer_id = c.customer_id HAVING count(*) > 20) AS top
FROM customers AS c;
-- scalar subquery of a constant
SELECT name, (SELECT 7 FROM customers AS o WHERE o.customer_id = c.customer_id AND o.state = 'DE') AS seven FROM customers AS c;
-- scalar subquery in CASE
SELECT id, CASE WHEN price > (SELECT avg(price) FROM sales) THEN 'high' ELSE 'low' END AS c FROM sales;
-- scalar subquery over a union
SELECT name, (SELECT sum(x) FROM (SELECT quantity AS x FROM sales AS s WHERE s.customer_id = c.customer_id
  UNION ALL SELECT 100 FROM customers AS o WHERE o.city = c.city)) AS t
FROM customers AS c;
-- subquery of distinct values
SELECT name, (SELECT count(DISTINCT product) FROM sales AS s WHERE s.customer_id = c.customer_id) AS n FROM customers AS c;
-- subquery in having
SELECT category, sum(price) AS p FROM sales GROUP BY category
HAVING sum(price) > (SELECT sum(price) / 6 FROM sales);
-- subquery in group by
SELECT quantity > (SELECT avg(quantity) FROM sales) AS big, count(*) FROM sales GROUP BY quantity > (SELECT avg(quantity) FROM sales);
-- subquery in an aggregate
SELECT state, sum((SELECT count(*) FROM sales AS s WHERE s.customer_id = c.customer_id)) AS n FROM customers AS c GROUP BY state;
-- subquery over groups
SELECT city, count(*) AS n, (SELECT max(since) FROM customers AS o WHERE o.city = c.city) AS latest FROM customers AS c GROUP BY city;
-- subquery inside a subquery
SELECT name FROM customers AS c WHERE EXISTS (SELECT 1 FROM sales AS s WHERE s.customer_id = c.customer_id
  AND s.price = (SELECT max(price) FROM sales AS o WHERE o.category = s.category));
-- subquery that reads two levels up
SELECT name FROM customers AS c WHERE EXISTS (SELECT 1 FROM customers AS o WHERE o.city = c.city AND o.customer_id <> c.customer_id
  AND EXISTS (SELECT 1 FROM sales AS s WHERE s.customer_id = o.customer_id AND s.sold < c.since + INTERVAL 13 YEARS));
-- duckdb
SELECT name FROM customers AS c WHERE EXISTS (SELECT 1 FROM customers AS o WHERE o.city = c.city AND o.customer_id <> c.customer_id
  AND EXISTS (SELECT 1 FROM sales AS s WHERE s.customer_id = o.customer_id AND s.sold < c.since + INTERVAL 13 YEARS));
-- subquery in a join condition
SELECT s.id FROM sales AS s JOIN customers AS c ON s.customer_id = c.customer_id AND c.credit > (SELECT avg(credit) FROM customers);
-- subquery on the optional side of a join
SELECT s.id, c.name FROM sales AS s
LEFT JOIN customers AS c ON s.customer_id = c.customer_id AND c.city IN (SELECT city FROM customers WHERE state = 'AT');
-- lateral
SELECT c.name, t.n, t.p FROM customers AS c,
  LATERAL (SELECT count(*) AS n, sum(price) AS p FROM sales AS s WHERE s.customer_id = c.customer_id) AS t;
-- left lateral with limit
SELECT c.name, t.id FROM customers AS c
LEFT JOIN LATERAL (SELECT id FROM sales AS s WHERE s.customer_id = c.customer_id ORDER BY price DESC NULLS LAST, id LIMIT 2) AS t ON true;
-- intersect all
SELECT quantity FROM sales WHERE id < 500 INTERSECT ALL SELECT quantity FROM sales WHERE id > 2700;
-- except all
SELECT quantity FROM sales WHERE id < 500 EXCEPT ALL SELECT quantity FROM sales WHERE id > 2700;
-- intersect and except
SELECT customer_id FROM sales INTERSECT SELECT customer_id FROM customers EXCEPT SELECT customer_id FROM sales WHERE quantity = 1;
-- rollup
SELECT category, month(sold) AS m, grouping(category) AS g, sum(quantity) AS q, count(*) FROM sales GROUP BY ROLLUP (category, month(sold));
-- cube with having
SELECT category, quantity, count(*) AS n FROM sales GROUP BY CUBE (category, quantity) HAVING count(*) > 50;
-- grouping sets
SELECT category, customer_id, sum(price) FROM sales GROUP BY GROUPING SETS ((category), (customer_id), ());
-- grouping sets beside a column
SELECT quantity, category, product, count(*) FROM sales GROUP BY quantity, ROLLUP (category, product);
-- row_number
SELECT id, row_number() OVER (PARTITION BY category ORDER BY price DESC, id) AS r FROM sales;
-- ranks
SELECT id, rank() OVER w, dense_rank() OVER w, percent_rank() OVER w, cume_dist() OVER w FROM sales
WINDOW w AS (PARTITION BY category ORDER BY quantity);
-- ntile, lag, lead
SELECT id, ntile(7) OVER w, lag(price) OVER w, lead(quantity, 2, -1) OVER w FROM sales WINDOW w AS (PARTITION BY product ORDER BY id);
-- running totals
SELECT id, sum(quantity) OVER (PARTITION BY product ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) AS near,
  sum(quantity) OVER (PARTITION BY product ORDER BY id) AS running, count(*) OVER (PARTITION BY product) AS n FROM sales;
-- range frame
SELECT id, count(*) OVER (PARTITION BY product ORDER BY quantity RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS n FROM sales
WHERE quantity IS NOT NULL;
-- range frame of an interval
SELECT id, sum(quantity) OVER (PARTITION BY category ORDER BY moment RANGE BETWEEN INTERVAL 10 DAYS PRECEDING AND CURRENT ROW) AS q
FROM sales;
-- first and last value
SELECT id, first_value(price) OVER w AS f, last_value(id) OVER w AS l FROM sales
WINDOW w AS (PARTITION BY category ORDER BY moment, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING);
-- windows over groups
SELECT category, sum(quantity) AS q, rank() OVER (ORDER BY sum(quantity) DESC) AS r, sum(sum(quantity)) OVER () AS total
FROM sales GROUP BY category;
-- qualify
SELECT customer_id, id FROM sales QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY price DESC, id) <= 2;
-- qualify of an alias
SELECT customer_id, id, dense_rank() OVER (PARTITION BY customer_id ORDER BY quantity) AS d FROM sales QUALIFY d = 2;
-- pivot
SELECT * FROM (SELECT category, quantity, price FROM sales) PIVOT (sum(price) FOR quantity IN (1, 2, 3)) ORDER BY 1;
-- duckdb
SELECT category, sum(price) FILTER (quantity = 1), sum(price) FILTER (quantity = 2), sum(price) FILTER (quantity = 3)
FROM sales GROUP BY category ORDER BY 1;
-- unpivot
SELECT * FROM (SELECT id, quantity, id * 2 AS twice FROM sales) UNPIVOT (value FOR what IN (quantity, twice));
-- duckdb
SELECT id, unnest(['quantity', 'twice']), unnest([quantity, id * 2]) FROM sales WHERE quantity IS NOT NULL
UNION ALL SELECT id, 'twice', id * 2 FROM sales WHERE quantity IS NULL;
-- recursion
WITH RECURSIVE n (x, f) AS (SELECT 1, 1 UNION ALL SELECT x + 1, f * 2 FROM n WHERE x < 12)
SELECT x, f, (SELECT count(*) FROM sales WHERE quantity = x) AS c FROM n;
-- full join of groups
SELECT a.q, a.n, b.n FROM (SELECT quantity AS q, count(*) AS n FROM sales GROUP BY quantity) AS a
FULL JOIN (SELECT month(since) AS q, count(*) AS n FROM customers GROUP BY month(since)) AS b ON a.q = b.q;
-- pipes with windows
FROM sales |> WHERE quantity > 3 |> EXTEND rank() OVER (PARTITION BY category ORDER BY price DESC, id) AS r |> WHERE r <= 3
|> SELECT id, category, r;
-- duckdb
SELECT id, category, rank() OVER (PARTITION BY category ORDER BY price DESC, id) AS r FROM sales WHERE quantity > 3 QUALIFY r <= 3;
