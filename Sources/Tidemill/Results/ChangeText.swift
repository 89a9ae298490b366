/// What `dry-run` prints about the change of a pipeline.
public enum ChangeText {
    /// - Returns: several reasons why the run would stop are listed; a single one is the command's error.
    public static func describe(_ report: ChangeReport) -> String {
        let errors = report.errors
        if errors.count < 2 { return changes(report) }
        return changes(report) + "\na run would stop for \(counted(errors.count, "reason"))\n"
            + errors.map { "  \($0.description)\n" }.joined()
    }

    private static func changes(_ report: ChangeReport) -> String {
        guard let epoch = report.lastCommitted else {
            return "\nfirst run: every table is new\n" + newInput(report)
        }
        var rows: [[String]] = []
        for flow in report.flows { rows.append([name(flow), text(flow)]) }
        for removed in report.removed {
            let stays = removed.tableStays ? "; its table \(removed.table) stays as it is" : ""
            rows.append([removed.flow, "is removed: \(state(removed.state) ?? "nothing") is dropped\(stays)"])
        }
        return "\nsince epoch \(epoch)\n" + TextTable.lines(rows, indent: "  ") + newInput(report)
    }

    private static func name(_ flow: ChangeReport.Flow) -> String {
        flow.name.lowercased() == flow.table.lowercased() ? flow.name : "\(flow.table) (flow \(flow.name))"
    }

    private static func text(_ flow: ChangeReport.Flow) -> String {
        switch flow.outcome {
        case .kept:
            let kept = state(flow.state).map { "goes on with its state, \($0)" } ?? "goes on"
            return flow.reason.map { "\(kept); \($0)" } ?? kept
        case .new: return "is new: \(reads(flow))"
        case .rebuilt:
            let dropped = state(flow.state).map { "; \($0) is dropped" } ?? ""
            return "is rebuilt, since \(flow.reason ?? "it changed"): \(reads(flow))\(dropped)"
        case .refused(let error): return "cannot go on: \(error.message)"
        }
    }

    private static func reads(_ flow: ChangeReport.Flow) -> String {
        if let obstacle = flow.obstacle { return "cannot be filled: \(obstacle.message)" }
        if flow.inputs.isEmpty { return "nothing is read again" }
        return "reads again \(flow.inputs.map(text).joined(separator: ", "))"
    }

    private static func text(_ input: ChangeReport.Input) -> String {
        let files = "\(Quantity.counted(input.files, "file")), \(Quantity.bytes(input.bytes))"
        return "\(input.isTable ? "the table " : "")\(input.name) (\(files))"
    }

    private static func state(_ all: [ChangeReport.State]) -> String? {
        if all.isEmpty { return nil }
        return all.map { state in
            "\(state.name) (\(Quantity.counted(Int(state.rows), "row")), \(Quantity.bytes(state.bytes)))"
        }.joined(separator: ", ")
    }

    private static func newInput(_ report: ChangeReport) -> String {
        if report.newInput.isEmpty { return "\nnew input: none\n" }
        return "\nnew input\n" + report.newInput.map { "  \(text($0))\n" }.joined()
    }
}
