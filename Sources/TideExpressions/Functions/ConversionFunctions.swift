/// Casts by function name, and type names.
enum ConversionFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.conversion)
        func add(_ name: String, _ type: DataType, _ example: String, _ result: String) {
            list.add(
                name, usage: "\(name)(x)", summary: "cast(x AS \(type.sql)).", example: example, result: result,
                kernel: nil
            ) { (request) throws(TidemillError) in
                try request.requireCount(1...1)
                return try TypeCoercion.explicitCast(request.arguments[0], to: type, try: false, span: request.span)
            }
        }
        add("boolean", .boolean, "boolean('yes')", "true")
        add("tinyint", .tinyint, "tinyint('1')", "1")
        add("smallint", .smallint, "smallint('1')", "1")
        add("int", .int, "int('1')", "1")
        add("bigint", .bigint, "bigint('1')", "1")
        add("float", .float, "float('1.5')", "1.5")
        add("double", .double, "double('1.5')", "1.5")
        add("decimal", .decimal(precision: 10, scale: 0), "decimal('1.5')", "2")
        add("string", .string, "string(1)", "1")
        add("binary", .binary, "binary('A')", "A")
        add("date", .date, "date('2024-02-15')", "2024-02-15")
        add("timestamp", .timestamp, "timestamp('2024-02-15')", "2024-02-15 00:00:00")
        list.add(
            "typeof", usage: "typeof(x)", summary: "Name of the type of x.", example: "typeof(1)", result: "int",
            kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            return .string(request.types[0].simpleName)
        }
        return list.definitions
    }()
}
