# Comparison, NULL, IN, BETWEEN, conditionals.
$cmp := = ; <> ; < ; <= ; > ; >= ; <=> ; == ; !=
150: $scalar $cmp $scalar
60: $number $cmp $number
40: $any $cmp $any
25: $text $cmp $text
20: $date $cmp $ts
15: $ts $cmp $ntz
20: $number_text $cmp $number
12: $months $cmp $months
12: $micros $cmp $micros
30: $number IN ($number, $number)
15: $text IN ($text, 'a', NULL)
15: $text NOT IN ($text, 'a')
20: $number BETWEEN $number AND $number
10: $date NOT BETWEEN $date AND '2024-01-01'
$bool AND $bool
$bool OR $bool
NOT $bool
!($bool)
$bool IS TRUE
$bool IS NOT FALSE
$bool IS UNKNOWN
$int IS NULL
$int IS DISTINCT FROM 7
$int IS NOT DISTINCT FROM NULL
1 AND true
'true' AND true
NOT 'x'
1 IS TRUE
30: coalesce($any, $any)
25: coalesce($scalar, $scalar, $scalar)
20: nvl($scalar, $scalar)
12: ifnull($number, $number)
20: nvl2($scalar, $scalar, $scalar)
25: nullif($scalar, $scalar)
25: if($bool, $scalar, $scalar)
12: iff($bool, $number, $number)
25: CASE WHEN $bool THEN $scalar ELSE $scalar END
20: CASE $scalar WHEN $scalar THEN 'yes' ELSE 'no' END
12: CASE WHEN $bool THEN $number WHEN $bool THEN $number END
35: greatest($scalar, $scalar)
35: least($scalar, $scalar)
15: greatest($number, $number, $number)
isnull($bool)
isnotnull($bool)
isnan($double)
isnan($float)
isnan($int)
isnan('NaN')
isnan('x')
nanvl($double, $double)
nanvl($float, 1)
equal_null($int, 7)
equal_null('a', NULL)
coalesce()
coalesce(NULL, NULL)
greatest(1)
least(array(1), array(1, 2))
greatest(map('a', 1), map('a', 2))
nullif(1)
(1, 2) = (1, 2)
(1, 'a') < (1, 'b')
(1, 2) IN ((1, 2), (3, 4))
array(1, 2) = array(1, 2)
array(1, NULL) < array(1, 2)
array(1, NULL) = array(1, NULL)
map('a', 1) = map('a', 1)
struct(1, NULL) = struct(1, NULL)
struct(1, NULL) <=> struct(1, NULL)
'a' < 'B'
'a ' = 'a'
'ä' > 'z'
