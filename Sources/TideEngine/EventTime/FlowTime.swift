/// Event time of one streaming flow: its clock, and the operators that tell it and ask it.
final class FlowTime {
    let flow: String
    let clock = FlowClock()
    private(set) var watermarks: [WatermarkOperator] = []
    private(set) var operators: [OperatorClock] = []
    /// Whether some operator's state goes by the watermark, so that one that moved is worth an epoch without input.
    private(set) var hasEvictions = false
    var time: WatermarkClock
    /// What the epoch's rows said, for progress; nil if the flow did not take part.
    private(set) var observed: WatermarkOperator.Observed?

    init(flow: String, policy: WatermarkClock.Policy) {
        self.flow = flow
        time = WatermarkClock(policy: policy, nodeCount: 0)
    }

    /// - Parameter idleMicros: how long its source may be silent, if that is its own.
    func add(_ watermark: WatermarkOperator, idleMicros: Int64?) {
        watermarks.append(watermark)
        time.nodes.append(WatermarkClock.Node(idleMicros: idleMicros))
    }

    /// Operators that wait for moments of processing time.
    private var waiting: [any ProcessingTimers] = []

    func add(_ timers: any ProcessingTimers) { waiting.append(timers) }

    /// Whether such a moment has come.
    func isAwaited(by now: Int64) -> Bool {
        waiting.contains { $0.nextMoment.map { $0 <= now } ?? false }
    }

    /// - Parameter evicts: whether the operator gives something out, or gets smaller, when the watermark moves.
    func add(
        _ name: String, over inputs: [LogicalPlan], evicts: Bool
    ) -> OperatorClock {
        let path = WatermarkPath.least(of: inputs)
        let clock = OperatorClock(
            flow: clock, path: path, flowName: flow, operatorName: name, inputs: inputs.map(\.schema))
        operators.append(clock)
        if evicts && path != .none { hasEvictions = true }
        return clock
    }

    /// The clock as it was committed last; a query with other watermarks starts anew.
    func restore(_ stored: WatermarkClock) {
        guard stored.nodes.count == time.nodes.count else { return }
        let limits = time.nodes.map(\.idleMicros)
        time = stored
        for (index, limit) in limits.enumerated() { time.nodes[index].idleMicros = limit }
    }

    /// Whether a silent source may be left out.
    var mayBeIdle: Bool { time.nodes.contains { $0.idleMicros != nil } }

    func beginEpoch(isDue: Bool) {
        clock.beginEpoch(isDue: isDue)
        observed = nil
        for one in operators { one.beginEpoch(previous: time.previous, current: time.current) }
    }

    /// Returns whether the flow took part.
    func endEpoch(now: Int64, idleMicros: Int64?) -> Bool {
        guard clock.takesPart else { return false }
        var all = WatermarkOperator.Observed()
        var greatest: [Int64?] = []
        for node in watermarks {
            let seen = node.takeObserved()
            greatest.append(seen.count > 0 ? seen.greatest : nil)
            all.merge(seen)
        }
        observed = all
        time.endEpoch(greatest: greatest, delays: watermarks.map(\.delayMillis), now: now, idleMicros: idleMicros)
        return true
    }
}
