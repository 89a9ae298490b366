/// `concat` of arrays, which shares its name with that of texts.
enum ArrayConcatenation {
    /// nil: no argument is an array.
    static func bind(_ request: BindRequest) throws(TidemillError) -> BoundExpression? {
        let areArrays = request.types.map { if case .array = $0 { true } else { false } }
        guard areArrays.contains(true) else { return nil }
        guard !areArrays.contains(false) else {
            throw BindError.dataDifferentTypes(request.arguments, in: "concat", request.span)
        }
        let arrays = try TypeCoercion.unified(request.arguments, in: "concat", span: request.span)
        return request.call(arrays, arrays[0].type)
    }

    /// An array is the sequence of its elements and a byte that ends it.
    static func run(_ parts: [Strings], _ call: KernelCall) -> Column {
        composed(call) { row, out in
            for part in parts { out.append(UnsafeRawBufferPointer(rebasing: part.bytes(row).dropLast())) }
            for byte in NestedImage.emptyArray { out.append(byte) }
        }
    }
}
