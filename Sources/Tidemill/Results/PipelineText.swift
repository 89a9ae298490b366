/// What `dry-run` prints: every input and every table, what each is kept by and where it goes.
public enum PipelineText {
    public static func describe(_ pipeline: Pipeline) -> String {
        let definition = pipeline.definition
        var text = "pipeline \(definition.name)\n  checkpoint \(pipeline.storage.string)\n"
        text += "  warehouse  \(pipeline.warehouse.string)\n"
        text += "\ninputs\n"
        for relation in definition.relations.values.sorted(by: { $0.name < $1.name }) {
            text += "  \(relation.name)  \(relation.format) \(relation.path ?? "")\n"
            text += "    \(columns(relation.schema))\n"
        }
        text += "\ntables, in the order they are computed\n"
        for dataset in definition.datasets {
            let kind = dataset.kind == .streamingTable ? "streaming table" : "materialized view"
            text += "  \(dataset.name)  \(kind), \(keeping(dataset))\n"
            text += "    \(pipeline.location(of: dataset).string)\n"
            text += "    \(columns(dataset.schema))\n"
            for flow in dataset.flows {
                if flow.name.lowercased() != dataset.name.lowercased() { text += "    flow \(flow.name)\n" }
                for line in ExplainPrinter(definition).text(flow.plan).split(separator: "\n") {
                    text += "      \(line)\n"
                }
            }
        }
        if !definition.sinks.isEmpty {
            text += "\ncopies\n"
            for sink in definition.sinks { text += "  \(sink.name)  \(sink.format) of \(sink.table) to \(sink.path)\n" }
        }
        if !definition.notes.isEmpty {
            text += "\nnotes\n"
            for note in definition.notes { text += "  \(note)\n" }
        }
        return text
    }

    private static func keeping(_ dataset: Dataset) -> String {
        switch dataset.key {
        case nil: "rows are added, never changed"
        case .bag: "rows are added and removed (no key)"
        case .columns(let keys) where keys.isEmpty: "one row"
        case .columns(let keys): "one row per \(keys.map { dataset.schema[$0].name }.joined(separator: ", "))"
        }
    }

    private static func columns(_ schema: Schema) -> String {
        schema.fields.map { "\($0.name) \($0.type.sql)\($0.nullable ? "" : " NOT NULL")" }.joined(separator: ", ")
    }
}
