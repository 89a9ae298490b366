# Functions over text.
$case := upper ; lower ; ucase ; lcase ; initcap ; trim ; ltrim ; rtrim ; btrim ; reverse ; length ; char_length ; len ; octet_length ; bit_length ; ascii
$case($text)
upper('straße')
lower('ΑΣ')
upper('ﬁ')
lower('İ')
initcap('hello wORLD-of tHINGS')
initcap('ößt  x1y a.b')
upper($number)
length($number)
length($binary)
octet_length($binary)
bit_length($binary)
reverse(12.50)
trim('x' FROM 'xxaxx')
trim(BOTH 'xy' FROM 'xyaxy')
trim(LEADING 'x' FROM 'xxaxx')
trim(TRAILING FROM '  a  ')
trim('ab', 'babtidebab')
ltrim('ab', 'babtide')
rtrim('ab', 'tidebab')
btrim('babtidebab', 'ab')
trim('\t a \n')
$position := 0 ; 1 ; 2 ; -2 ; -10 ; 100 ; 2147483647 ; -2147483648 ; NULL
substring('größe', $position)
substring('größe', $position, 2)
substring('größe', 2, $position)
substr('Tidemill', $position, 3)
substring('Tidemill' FROM 3)
substring('Tidemill' FROM 3 FOR 2)
substring($binary, 1, 1)
substring(12345, 2, 2)
left('größe', $position)
right('größe', $position)
split_part('a.b..c', '.', 1)
split_part('a.b..c', '.', 3)
split_part('a.b..c', '.', -1)
split_part('a.b..c', '.', 9)
split_part('abc', '', 1)
split_part(NULL, '.', 1)
substring_index('a.b.c', '.', $position)
substring_index('aXXbXXc', 'XX', 2)
substring_index('a.b', '', 1)
concat($text, $text)
concat()
concat('a')
concat(1, 2)
concat('a', NULL)
concat(X'41', X'42')
concat(X'41', 'b')
concat(array(1), array(2, 3))
concat('d', DATE'2024-01-01', 1.50, true)
'a' || 'b' || NULL
'a' || 1
1 || 2
concat_ws(',', 'a', NULL, '', 'b')
concat_ws(NULL, 'a')
concat_ws(',')
concat_ws('-', 1, 2.5, true)
concat_ws(',', array('a', NULL, 'b'), 'c')
replace('banana', 'an', 'AN')
replace('banana', 'an')
replace('banana', '', 'x')
replace('banana', NULL, 'x')
replace('größe', 'ö', 'oe')
repeat('ab', $position)
repeat('', 5)
lpad('ab', 5, 'xyz')
lpad('abc', 2, 'x')
lpad('abc', 5)
lpad('abc', 5, '')
lpad('abc', -1, 'x')
lpad(NULL, 5, 'x')
lpad('日', 3, '本語')
lpad(7, 3, 0)
rpad('ab', 5, 'xyz')
rpad('abc', 2, 'x')
rpad('abc', 5)
rpad('abc', 5, '')
lpad(X'41', 3)
translate('translate', 'rnlt', '123')
translate('aabb', 'ab', 'x')
translate('größe', 'ö', 'o')
translate('abc', '', 'x')
chr($position)
chr(256)
chr(228)
char(65.7)
ascii('ä')
ascii(5)
instr($text, 'a')
instr('größe', 'ß')
instr('abc', '')
instr(NULL, 'a')
locate('a', 'banana', $position)
locate('', 'abc', 2)
position('an' IN 'banana')
position('an', 'banana', 3)
$test := startswith ; endswith ; contains
$test($text, 'a')
$test('Tidemill', '')
$test(X'4142', X'41')
$test('abc', NULL)
$test(12, 1)
$subject := 'abc' ; 'a%c' ; 'a_c' ; 'ABC' ; '' ; 'a\nc' ; '日本語' ; NULL
$pattern := 'abc' ; 'a%' ; '%c' ; '%b%' ; 'a_c' ; '___' ; '' ; '%' ; 'a\%c' ; '_%_' ; 'A%'
$subject LIKE $pattern
'abc' NOT LIKE 'a%'
'a%c' LIKE 'a!%c' ESCAPE '!'
'abc' LIKE 'a!%c' ESCAPE '!'
'a' LIKE 'a!' ESCAPE '!'
'a' LIKE 'a\\'
'a' LIKE '\\a'
'a' LIKE 'a' ESCAPE 'xx'
'abc' LIKE ANY ('x%', 'a%')
'abc' LIKE ALL ('%c', 'a%')
'abc' NOT LIKE ANY ('x%', 'a%')
'abc' NOT LIKE ALL ('x%', 'y%')
'abc' LIKE SOME ('x%', NULL)
'abc' ILIKE ANY ('X%', 'A%')
12 LIKE '1%'
'ABC' ILIKE 'a_c'
'GRÖSSE' ILIKE 'grö%'
'straße' ILIKE 'STRASSE'
$subject ILIKE '%B%'
$regex := '^a' ; 'c$' ; 'b|x' ; '[a-c]+' ; '\\d' ; '(a)(b)' ; '.' ; '' ; 'a{2}' ; '(?i)abc' ; '\\bab' ; '[^a]c' ; '\\p{L}+'
$subject RLIKE $regex
'abc' REGEXP 'b'
'abc' NOT RLIKE 'b'
regexp('abc', 'B')
regexp_like('abc', '^abc$')
'abc' RLIKE '('
'aaa' RLIKE '^(a+)+$'
'x1y2' RLIKE '[0-9]y'
'foobar' RLIKE 'foo(?=bar)'
'abab' RLIKE '^(ab)\\1$'
split('a,b,c', ',')
split('a,b,c', ',', 2)
split('a,b,,', ',')
split('a,b,,', ',', -1)
split('abc', '')
split('a1b22c', '[0-9]+')
split('', ',')
split(NULL, ',')
split('a.b', '.')
split('a|b', '\\|')
upper()
upper('a', 'b')
substring('a')
repeat('a', 'x')
length()
