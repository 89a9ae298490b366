// How `tidemill state` shows the variables of state per key.

extension GraphBuilder {
    /// In the order of the operator's parts.
    static func variables(_ keyed: LogicalPlan.Keyed) -> [StateNames] {
        let schema = keyed.input.schema
        let keys = keyed.keys.map { Field("key_\(schema[$0].name)", schema[$0].type) }
        // Stored as microseconds, the greatest number where there is no end.
        let expiry = Field("expires_at", .timestamp)
        let timers = StateNames(name: "timers", columns: keys + [Field("at", .timestamp), expiry])
        switch keyed.rule {
        case .inOrder:
            let rows = keys + [Field("position", .bigint), expiry] + schema.fields
            return [StateNames(name: "rows", columns: rows), timers]
        case .silent:
            let newest = keys + [expiry] + schema.fields + [Field("came_at", .timestamp)]
            return [StateNames(name: "newest", columns: newest), timers]
        case .newValues(let column, _):
            let value = Field("value_\(schema[column].name)", schema[column].type)
            return [StateNames(name: "values", columns: keys + [value, expiry])]
        }
    }
}
