/// The operators of a pipeline (or of one batch query), connected. Built once per start.
///
/// A run of the graph is a fixed sequence of stages, each a set of tasks: every source's splits, then every breaker's
/// partitions in dependency order. Between two stages nothing runs, so a breaker sees all its input.
final class FlowGraph {
    /// One shared scan of an external relation: all flows that read it with the same options.
    final class Scan {
        let key: ScanKey
        let relationSchema: Schema
        /// Columns that any reader wants, ascending.
        var columns: [Int] = []
        /// Rows of changed files are taken back, so every column is read and kept.
        var replacesFiles = false
        /// Flows that have to equal their query over the files as they are: they read without STREAM.
        var followers: Set<String> = []
        /// The smallest bound that any reader or the table's options name.
        var limit = RateLimit()
        /// The readers, as (columns, where they go, flow); ports are made when all are known.
        var readers: [(columns: [Int], consumer: any BatchConsumer, flow: String)] = []
        init(key: ScanKey, relationSchema: Schema) {
            self.key = key
            self.relationSchema = relationSchema
        }

        /// The consumers of the given flows' readers (nil: all), fed from one batch of `columns`.
        func port(flows: Set<String>?) -> Port {
            let port = Port()
            for reader in readers where flows?.contains(reader.flow) ?? true {
                let picked = reader.columns.map { wanted in columns.firstIndex(of: wanted) ?? 0 }
                let isWhole = picked == Array(columns.indices)
                port.add(isWhole ? reader.consumer : ColumnPicker(columns: picked, output: reader.consumer))
            }
            return port
        }
    }

    /// Same relation, same options: one scan, one offset.
    struct ScanKey: Hashable, Comparable {
        var name: String
        var options: [String: String]
        static func < (a: ScanKey, b: ScanKey) -> Bool { a.id < b.id }
        /// Stable text: names the source in the checkpoint.
        var id: String {
            name + options.sorted { $0.key < $1.key }.map { ";\($0.key)=\($0.value)" }.joined()
        }
    }

    /// A relation that is read whole before the epoch's first batch, and the join that looks rows up in it.
    struct Static {
        let plan: LogicalPlan
        let join: LookupJoinOperator
        let flow: String
    }

    struct StatefulNode {
        let node: any StatefulOperator
        let flow: String
        /// Position among the flow's stateful operators.
        let ordinal: Int
        /// Its place in the query: the input taken at each operator from the top.
        let path: [Int]
        let name: String
        /// The pipeline's tables (lower case) whose rows the node keeps to look them up.
        let lookedUp: Set<String>
        let description: PlanRegistry.OperatorDescription
        /// Of a streaming table's operator: what it counts.
        let clock: OperatorClock?
    }

    /// What the stateful operators of a flow are, by position.
    func descriptions(of flow: String) -> [PlanRegistry.OperatorDescription] {
        stateful.filter { $0.flow == flow }.sorted { $0.ordinal < $1.ordinal }.map(\.description)
    }

    var scans: [ScanKey: Scan] = [:]
    /// Changes of the pipeline's own tables, by dataset name in lower case.
    var tables: [String: Port] = [:]
    /// In dependency order.
    var breakers: [any Breaker] = []
    /// Where the flow of each breaker stands in the SQL, in the order of `breakers`.
    var breakerPlaces: [ErrorPlace?] = []
    var stateful: [StatefulNode] = []
    var statics: [Static] = []
    /// Of streaming tables' flows, by name.
    var times: [String: FlowTime] = [:]
    /// Where late rows gather, by the dataset's name in lower case.
    var lateRows: [String: LateRows] = [:]
    /// Constant rows, given once.
    var constants: [(batch: Batch, consumer: any BatchConsumer, flow: String)] = []
    var collectors: [OrderedCollector] = []
    /// Readers of own tables by flow, for filling a new flow from the stored files.
    var tableReaders: [(table: String, columns: [Int], consumer: any BatchConsumer, flow: String)] = []
}
