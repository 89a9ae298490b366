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
