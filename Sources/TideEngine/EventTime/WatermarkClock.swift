/// The event time of one flow over epochs: which watermark an epoch runs with, and what its rows make of it. A pure
/// value: rows' times in, watermarks out.
///
/// Each watermark operator (node) of the flow has its own watermark: the largest event time it has seen, less its
/// delay. The flow's is the least of them (or the greatest, by policy); a node that has seen nothing counts 0. All
/// are milliseconds, and never go back. They survive from run to run, unlike in Spark: a pipeline that is run every
/// hour would otherwise never get on, unless each hour brings rows of every source.
struct WatermarkClock: Sendable, Hashable {
    enum Policy: UInt8, Sendable, Hashable {
        case min = 0
        case max = 1
    }
    struct Node: Sendable, Hashable {
        /// nil: nothing seen yet.
        var millis: Int64?
        /// The epochs' time when rows last came, microseconds; 0: never.
        var lastRowsMicros: Int64 = 0
        /// The source's own `tidemill.idleTimeout`, microseconds; nil: the pipeline's counts. Not in the checkpoint.
        var idleMicros: Int64?
    }
    var policy: Policy
    var nodes: [Node]
    /// The watermark that the flow's last epoch ran with: by it the next epoch's rows are late.
    private(set) var previous: Int64 = 0
    /// The watermark for the next epoch: by it state goes.
    private(set) var current: Int64 = 0

    init(policy: Policy, nodeCount: Int) {
        self.policy = policy
        nodes = Array(repeating: Node(), count: nodeCount)
    }

    /// A service that starts again goes by what its sources say from now on, as a Spark query does: until each has been
    /// seen the flow's watermark stays where it is, so nothing is called late that a source may still be about to send.
    mutating func forgetNodes() {
        for index in nodes.indices { nodes[index].millis = nil }
    }

    /// Whether an epoch without input has something to do.
    var hasMoved: Bool { current > previous }

    /// The flow took part in an epoch.
    /// - Parameters:
    ///   - greatest: each node's largest event time in milliseconds, nil where no row came.
    ///   - delays: of the nodes.
    ///   - now: the epoch's time, microseconds.
    ///   - idleMicros: a node without rows for so long is left out while others have rows; nil: it holds for ever. A
    ///     node's own limit comes first.
    mutating func endEpoch(greatest: [Int64?], delays: [Int64], now: Int64, idleMicros: Int64?) {
        for (index, time) in greatest.enumerated() {
            guard let time else { continue }
            let millis = time &- delays[index]
            nodes[index].millis = Swift.max(nodes[index].millis ?? .min, millis)
            nodes[index].lastRowsMicros = now
        }
        previous = current
        advance(now: now, idleMicros: idleMicros)
    }

    /// Without an epoch: time has passed, and nodes may have become idle.
    mutating func advance(now: Int64, idleMicros: Int64?) {
        guard let value = combined(now: now, idleMicros: idleMicros) else { return }
        current = Swift.max(current, value)
    }

    func isIdle(_ node: Node, now: Int64, idleMicros: Int64?) -> Bool {
        guard let limit = node.idleMicros ?? idleMicros else { return false }
        return now &- node.lastRowsMicros >= limit
    }

    private func combined(now: Int64, idleMicros: Int64?) -> Int64? {
        let awake = nodes.filter { !isIdle($0, now: now, idleMicros: idleMicros) }
        // If all are silent, nobody knows how time goes on.
        let counted = awake.isEmpty ? nodes : awake
        let values = counted.map { $0.millis ?? 0 }
        return policy == .min ? values.min() : values.max()
    }

    /// The node that holds the flow's watermark back, if several are there.
    var holder: Int? {
        guard nodes.count > 1, policy == .min else { return nil }
        return nodes.indices.min { (nodes[$0].millis ?? 0) < (nodes[$1].millis ?? 0) }
    }
}

/// The clocks of all flows, as every epoch record carries them.
enum WatermarkEntry {
    static let entryID = "@eventtime"

    static func encode(_ clocks: [String: WatermarkClock]) -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(1)
        writer.varint(UInt64(clocks.count))
        for (flow, clock) in clocks.sorted(by: { $0.key < $1.key }) {
            writer.string(flow)
            clock.encode(into: &writer)
        }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(TidemillError) -> [String: WatermarkClock] {
        var reader = ByteReader(bytes, file: "epoch record")
        guard try reader.u8() == 1 else { throw reader.corruption("watermarks of no known version") }
        var clocks: [String: WatermarkClock] = [:]
        for _ in 0..<(try reader.count(elementBytesMin: 19)) {
            let flow = try reader.string()
            clocks[flow] = try WatermarkClock(decoding: &reader)
        }
        try reader.expectEnd()
        return clocks
    }
}

extension WatermarkClock {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.u8(policy.rawValue)
        writer.i64(previous)
        writer.i64(current)
        writer.varint(UInt64(nodes.count))
        for node in nodes {
            writer.bool(node.millis != nil)
            writer.i64(node.millis ?? 0)
            writer.i64(node.lastRowsMicros)
        }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(TidemillError) {
        guard let policy = Policy(rawValue: try reader.u8()) else {
            throw reader.corruption("no such watermark policy")
        }
        self.init(policy: policy, nodeCount: 0)
        previous = try reader.i64()
        current = try reader.i64()
        for _ in 0..<(try reader.count(elementBytesMin: 17)) {
            let isKnown = try reader.u8() != 0
            let millis = try reader.i64()
            nodes.append(Node(millis: isKnown ? millis : nil, lastRowsMicros: try reader.i64()))
        }
    }
}
