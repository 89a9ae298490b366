# Arrays, maps and structs.
array($int, 2)
array(1, 'a')
array(1, 2.5, NULL)
array(1L, 2Y)
array(DATE'2024-01-01', TIMESTAMP'2024-01-01 10:00:00')
array(DATE'2024-01-01', 1)
array(array(1), array('2'))
array(true, NULL)
array(NULL)
named_struct('a', 1, 'b', array(1, 2))
named_struct('a', 1, 'a', 2)
named_struct('a')
named_struct(1, 2)
struct(1, 'x', NULL)
struct()
struct(1 AS a, 2 AS b)
struct(1 AS a, 2 AS b).b
map('a', 1, 'b', 2)
map(1, 'a', 2.5, 'b')
map('a', 1, 'a', 2)
map(NULL, 1)
map('a')
map('a', 1, 'b', 'x')
map(array(1), 2)
map(map('a', 1), 2)
$index := 0 ; 1 ; 2 ; 3 ; -1 ; -3 ; -4 ; NULL
array('x', 'y', 'z')[$index]
element_at(array('x', 'y', 'z'), $index)
try_element_at(array('x', 'y', 'z'), $index)
get(array('x', 'y', 'z'), $index)
map('a', 1, 'b', 2)['a']
map('a', 1, 'b', 2)['z']
map('a', 1)[NULL]
map(1, 'x')[1.0]
map(1, 'x')['1']
element_at(map('a', 1), 'a')
element_at(map('a', 1), 'z')
element_at(map(1, 'x'), 'z')
try_element_at(map('a', 1), 'z')
array(1, 2)[1.5]
array(1, 2)['0']
array(1, 2)['x']
named_struct('a', 1).a
named_struct('a', 1).b
named_struct('a', named_struct('b', 5)).a.b
named_struct('A', 1).a
array(named_struct('a', 1), named_struct('a', 2)).a
map_keys($map)
map_values($map)
map_keys(map(1, 2, 3, NULL))
map_keys(array(1))
size($array)
size($map)
cardinality(array(1, NULL))
array_size(array(1, NULL))
array_size(NULL)
size('x')
array_contains(array(1, 2), 2)
array_contains(array(1, NULL), 2)
array_contains(array(1, NULL), 1)
array_contains(array(1, 2), NULL)
array_contains(array(1, 2), 2L)
array_contains(array(1, 2), '2')
array_contains(array(1.5), 1)
array_contains(array('a'), 1)
array_contains(NULL, 1)
array_contains(1, 1)
array_contains(array(array(1)), array(1))
struct(1, array('a', NULL), map('k', 2.50))
array(struct(1, 'a'), struct(2, NULL))
array(1.50, 2)
array(1F, 2D)
array(DATE'2024-01-01')
array(TIMESTAMP'2024-01-01 10:00:00.5')
array(X'41')
array('a,b', '')
map('k', array())
SELECT s.* FROM (SELECT named_struct('a', 1, 'b', 'x') AS s)
SELECT a, count(*) FROM VALUES (array(1)), (array(1)), (array(2)) AS t(a) GROUP BY a ORDER BY a
SELECT x, s.a FROM VALUES (1, named_struct('a', 5)), (2, NULL) AS t(x, s) ORDER BY x
SELECT a[0], m['k'] FROM VALUES (array(1, 2), map('k', 3)), (NULL, NULL) AS t(a, m)
SELECT a[x] FROM VALUES (array(1, 2), 1), (array(1, 2), 0) AS t(a, x)
SELECT get(a, x), size(a) FROM VALUES (array(1, 2), 5), (array(), 0), (NULL, 0) AS t(a, x)
SELECT DISTINCT s FROM VALUES (struct(1, 2)), (struct(1, 2)), (struct(1, NULL)) AS t(s)
SELECT count(*) FROM VALUES (map('a', 1)) AS t(m) GROUP BY m
SELECT * FROM VALUES (map('a', 1)) AS t(m) ORDER BY m
concat(array(1), NULL)
concat(array(1), array(2.5), array(NULL))
concat(array(), array('a'))
concat(array(array(1)), array(array(2), NULL))
concat(array(1), array('a'))
concat(array(1), 2)
array(1, 2) || array(3)
array(named_struct('a', 1, 'b', 'x'), NULL, named_struct('a', NULL, 'b', 'y')).a
array(named_struct('a', 1, 'b', 'x'), NULL, named_struct('a', NULL, 'b', 'y')).b
array(named_struct('a', array(1, 2), 'b', 'x')).a[0]
array(named_struct('a', 1)).c
SELECT s.b FROM VALUES (array(named_struct('a', 1, 'b', 'x'))), (NULL), (array()) AS t(s)
sort_array(array(3, NULL, 1, 2))
sort_array(array(3, NULL, 1, 2), false)
sort_array(array('b', 'a', 'ab', ''))
sort_array(array(double('NaN'), 1.5D, -1.0D, 0.0D, double('Infinity')))
sort_array(array(1.5, -2.25, 10))
sort_array(array(DATE'2024-01-02', DATE'1969-12-31'))
sort_array(array(array(2), array(1, 5), NULL, array(1)))
sort_array(array(struct(2, 'a'), struct(1, 'b'), struct(1, NULL)))
sort_array(array())
sort_array(CAST(NULL AS ARRAY<INT>))
sort_array(array(map(1, 2)))
sort_array(1)
sort_array(array(1), 'x')
array_max(array(3, NULL, 1)), array_min(array(3, NULL, 1))
array_max(array(NULL, CAST(NULL AS INT))), array_min(array())
array_max(array('b', 'ab')), array_min(array('b', 'ab'))
array_max(array(1.5D, double('NaN'))), array_min(array(1.5D, double('NaN')))
array_max(array(array(1), array(1, 2)))
array_min(array(map(1, 2)))
array_max('text')
SELECT sort_array(collect_list(x)) AS a, array_max(collect_set(x)) AS b FROM VALUES (3), (NULL), (1) AS t(x)
SELECT * FROM (FROM VALUES (1), (2) AS t(a) |> WHERE a > 1)
SELECT * FROM (FROM (SELECT 1 AS a) AS t |> SELECT a + 1 AS b)
