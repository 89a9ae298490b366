"""Writes json.json beside it: what Apache Spark makes of JSON lines, every value cast to STRING (binary: hex).

Needs a Python with pyspark 4.3 (`make .venv-peers/installed`).
"""
import base64, json, os, tempfile
from pyspark.sql import SparkSession
s=(SparkSession.builder.master("local[1]").config("spark.ui.enabled","false").config("spark.sql.session.timeZone","UTC").getOrCreate())
s.sparkContext.setLogLevel("OFF")
out=[]
C=", _corrupt_record string"
def t(title,schema,lines,**opts):
    p=os.path.join(tempfile.gettempdir(), "lines.json")
    raw=b"\n".join(l if isinstance(l,bytes) else l.encode() for l in lines)+b"\n"
    open(p,"wb").write(raw)
    r=s.read.options(**opts)
    case=dict(title=title,options=opts)
    if schema: case["schema"]=schema
    try: case["text"]=raw.decode()
    except UnicodeDecodeError: case["base64"]=base64.b64encode(raw).decode()
    try:
        df=r.schema(schema).json(p) if schema else r.json(p)
        if not schema: case["inferred"]=[[f.name,f.dataType.simpleString()] for f in df.schema.fields]
        cols=[("hex(`%s`)" if f.dataType.simpleString()=="binary" else "cast(`%s` as string)")%f.name for f in df.schema.fields]
        df.createOrReplaceTempView("t")
        case["rows"]=[list(x) for x in s.sql("select "+",".join(cols)+" from t").collect()]
    except Exception as e:
        case["error"]=True; print(title,str(e)[:200])
    out.append(case)
t("names are exact","a int, B int"+C,['{"A":1,"b":2}','{"a":1,"B":2}'])
t("the last of equal names counts","a int, b int"+C,['{"a":1,"a":2,"b":5}','{"a":1,"a":"x","b":5}','{"a":"x","a":3,"b":5}','{"a":1,"a":null}'])
t("whole numbers","a tinyint, b smallint, c int, d bigint"+C,['{"a":200,"b":32768,"c":2147483648,"d":9223372036854775808}','{"a":256,"b":1}','{"a":-129,"b":1}','{"a":1.0,"b":2}','{"a":"1","b":2}','{"a":1e2,"b":2}','{"a":-0,"b":-1}','{"a":true}','{"c":1.5,"d":1}','{"c":[1],"d":{"x":1}}','{"c":-2147483648,"d":-9223372036854775808}','{"c":NaN,"d":1}','{"c":12345678,"d":123456789012345678}'])
t("booleans","a boolean, b int"+C,['{"a":true}','{"a":"true","b":1}','{"a":1,"b":1}','{"a":false}','{"a":"","b":1}','{"a":truex,"b":1}','{"a":nullx,"b":1}'])
t("floats","a double, b float"+C,['{"a":1,"b":2}','{"a":"1.5","b":3}','{"a":"NaN","b":"INF"}','{"a":NaN,"b":-INF}','{"a":Infinity,"b":+Infinity}','{"a":-Infinity,"b":+INF}','{"a":"-Infinity","b":"+INF"}','{"a":"nan","b":1}','{"a":1e400,"b":1e39}','{"a":"","b":1}','{"a":-0.0,"b":0.1}','{"a":.5,"b":1}','{"a":5.,"b":1}','{"a":01,"b":1}','{"a":+1,"b":1}','{"a":1e,"b":1}','{"a":-,"b":1}','{"a":"  2","b":1}','{"a":-NaN,"b":1}','{"a":INF}','{"a":+NaN,"b":1}','{"a":NaNx,"b":1}','{"a":Inf,"b":1}','{"a":"Inf","b":1}','{"a":"+Infinity","b":1}','{"a":true,"b":1}','{"a":- 1,"b":1}','{"a":-01,"b":1}','{"a":0e0,"b":1}','{"a":1E+2,"b":1}','{"a":1.e2,"b":1}','{"a":123456789.123456789,"b":3.4028235e38}','{"a":2.2250738585072014E-308}'])
t("decimals","a decimal(5,2), b int"+C,['{"a":1.235,"b":1}','{"a":"1.5","b":1}','{"a":12345,"b":1}','{"a":"x","b":1}','{"a":1e2,"b":1}','{"a":true,"b":1}','{"a":"","b":1}','{"a":" 1.5","b":1}','{"a":"1,000.5","b":1}','{"a":"1,0","b":1}','{"a":NaN,"b":1}','{"a":"+1.5","b":1}','{"a":"1e2","b":1}','{"a":-0.005}'])
t("strings","a string, b int"+C,['{"a":1}','{"a":1.50}','{"a":true}','{"a":{"x": 1, "y" : [1,  2]}}','{"a":[ 1, "\\u0041" ]}','{"a":"x\\n\\u00e9\\ud83d\\ude00\\/\\b","b":1}','{"a":"\\ud83d","b":1}','{"a":"\\ude00x","b":1}','{"a":"","b":1}','{"a":null,"b":1}','{"a":"a\tb","b":1}','{"a":"\\x","b":1}','{"a":1E5}','{"a":-0}',"{'a':'q','b':1}","{'a':'q\\'r\"s','b':1}",'{a:1,"b":2}','{"a":NaN,"b":2}','{"a":12345678901234567890123}','{"a":"longer than twelve bytes","b":3}','{"a":"日本語テキストと長い","b":3}','{"a":"\\u12G4"}','{"a":"\\ud83dx"}','{"a":"\\ud83d\\u0041"}','{"a":"it\'s"}'])
t("binary","a binary, b int"+C,['{"a":"aGVsbG8="}','{"a":"!!","b":1}','{"a":1,"b":1}','{"a":"","b":1}','{"a":"aGVsbG8","b":1}','{"a":"aGVs"}','{"a":"aA=="}'])
t("timestamps","a timestamp, b int"+C,['{"a":"2024-01-02T03:04:05Z"}','{"a":"2024-01-02T03:04:05.123456789+02:00"}','{"a":"2024-01-02 03:04:05"}','{"a":"2024-01-02"}','{"a":1700000000}','{"a":1.5,"b":1}','{"a":"1700000000","b":1}','{"a":"x","b":1}','{"a":"","b":1}','{"a":"2024"}','{"a":" 2024-01-02 "}','{"a":"2024-01-02T03:04:05+0200"}','{"a":"2024-01-02T03:04:05GMT+01:00"}','{"a":-1}','{"a":"2024-01-02T03:04"}','{"a":"12345-01-01"}','{"a":"20240102"}','{"a":"2024-1-2 3:4:5"}','{"a":99999999999999999999,"b":2}','{"a":"2024-01-02T03:04:05.1Z"}','{"a":"2024-01-02T03:04:05.12"}','{"a":"2024-01-02T03:04:05.123Z"}','{"a":"2024-01-02T03:04:05.1234Z"}','{"a":"2024-01-02T03:04:05.12345Z"}','{"a":"2024-01-02T03:04:05.123456Z"}','{"a":"2024-01-02T25:04:05Z","b":1}','{"a":"2024-01-02T03:04:05.Z"}','{"a":"1969-12-31T23:59:59.999999Z"}'])
t("timestamps without zone","a timestamp_ntz, b int"+C,['{"a":"2024-01-02T03:04:05Z","b":1}','{"a":"2024-01-02T03:04:05.1234567"}','{"a":"2024-01-02"}','{"a":1,"b":1}','{"a":"","b":1}','{"a":" 2024-01-02 03:04:05"}','{"a":"2024-01-02 03:04:05.250"}'])
t("dates","a date, b int"+C,['{"a":"2024-01-02"}','{"a":"2024-1-2"}','{"a":"2024-01-02T03:04:05Z"}','{"a":"2024-01-02 xyz"}','{"a":1,"b":1}','{"a":"x","b":1}','{"a":"","b":1}','{"a":"2024"}','{"a":"19000"}','{"a":"2024-02-30","b":1}','{"a":" 2024-01-02"}','{"a":"-5"}','{"a":"20240102"}','{"a":"2024-01"}','{"a":"12345-01-01"}'])
t("patterns","a date, b timestamp"+C,['{"a":"02/01/2024","b":"02/01/2024 10:00"}','{"a":"2024-01-02","b":"2024-01-02"}','{"b":5}'],dateFormat="dd/MM/yyyy",timestampFormat="dd/MM/yyyy HH:mm")
t("records","a int, b int"+C,['','  ','[{"a":1},{"a":2,"b":3}]','[]','null','1','"x"','{"a":1} xyz','{"a":1}{"a":2}','{"a":1','{"a":1,}','{"a":1,,"b":2}','{"b":2,"a":tru}','{"a":tru,"b":2}','{"b":2,"a":','{"b":2,"a"}','{"b":2 "a":1}','{}','[1,{"a":1}]','[{"a":1},null]','[{"a":1},{','  {"a":7}  ','{"a":1}]','{"b":1,"c":[1,2}}','{"b":1,"c":"\\q"}','{"b":1,"c":01}','{"b":1,"c":nul}','{"b":1,"c":"ab','\ufeff{"a":9}','{"a":3}\r{"a":4}','{"a":5\r,"b":6}','{"\\u0061":8}','{"a" : 1 , "b" :2 }','{"a":1\f}','[[{"a":1}]]','{"b":1,"a":[}','[{"a":1}] [{"a":2}]','[{"a":1} {"a":2}]','{"b":1,"c":{"d":[{"e":[]},{}],"f":{}},"a":2}','{"b":1,"c":{"d":1,}}','{"b":1,"c":[1,]}','{"b":1,"c":{1:2}}','{"b":1,"c":[,1]}','{"b":1,"c":{"x" 1}}','{"a":1 /* c */}','// x','# y','{"":1,"a":4}','{"b":1, "x":"\\"", "a":"\\\\"}','{"a":1,"b":2}\r'])
t("bytes that are no UTF-8","a string, b int"+C,[b'{"a":"\xff\xfe","b":1}',b'{"x":"\xff","b":1}',b'{"a":1,"b":2}\xff',b'{"a":"\xc3\xa9","b":2}'])
t("arrays and maps","a array<int>, m map<string,int>, b int"+C,['{"a":[1,"x",3],"m":{"k":1,"l":"z"},"b":1}','{"a":5,"b":1}','{"a":[null, 2 ],"m":{"k":null,"k":2}}','{"a":[],"m":{}}','{"a":null,"m":{"k\\u0041":7,"":-1}}','{"a":"[1]","m":[1]}'])
t("structs","s struct<x:int,y:string>, b int"+C,['{"s":{"x":"q","y":"k"},"b":1}','{"s":{"y":"a\\n","z":{"q":[1]},"x":3}}','{"s":{}}','{"s":null,"b":2}','{"s":[1],"b":3}','{"s":{"x":1,"x":2,"y":5.0}}'])
t("deeper","a array<struct<t:timestamp,d:decimal(5,2),f:double,l:array<string>,m:map<string,date>>>"+C,['{"a":[{"t":"2024-01-02T03:04:05Z","d":1.25,"f":-0.5,"l":["x",null,"y z"],"m":{"k":"2024-01-02"}},null,{"f":"NaN","l":[1,true,{"q": 1}]}]}','{"a":[{"d":"1,000","f":1e400}]}'])
t("infer nested",None,['{"a":{"x":1,"z":null},"b":[1,2.5],"c":[],"d":{}}','{"a":{"y":"q"},"b":[],"e":[{"p":1},{"q":true}]}'])
t("drop malformed","a int, b int",['{"a":1}','{"a":"x","b":1}','{','null',''],mode="DROPMALFORMED")
t("fail fast","a int, b int",['{"a":1}','{"a":"x","b":1}'],mode="FAILFAST")
t("permissive without a column","a int, b int",['{"a":1}','{"a":"x","b":1}','{'])
t("infer kinds",None,['{"a":1,"b":2.5,"C":"x","d":null,"e":true}','{"a":3000000000,"b":1,"C":"","d":null}'])
t("infer mixtures",None,['{"a":1,"b":true,"s":"2024-01-02T03:04:05Z","e":""}','{"a":"x","b":1}'])
t("infer large numbers",None,['{"a":12345678901234567890,"b":1e5,"n":"2024-01-02"}','{"a":1}'])
t("infer corrupt",None,['{"a":12345678901234567890123456789012345678901234567890}','{"a":1}','{bad'])
t("infer timestamps",None,['{"a":"2024-01-02T03:04:05Z","b":"2024-01-02","c":"x"}','{"c":"2024-01-02T03:04:05Z"}'],inferTimestamp="true")
t("infer text",None,['{"a":1,"b":true}'],primitivesAsString="true")
t("infer decimals",None,['{"a":1.25,"b":true}','{"a":100.5}'],prefersDecimal="true")
t("infer arrays",None,['[{"a":1},{"b":2.5}]','{"a":"x"}'])
t("infer case",None,['{"a":1,"A":2}'])
t("infer drops",None,['{"a":1,"z":null}'],dropFieldIfAllNull="true")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "json.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in out) + "\n]\n")
