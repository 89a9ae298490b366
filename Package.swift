// swift-tools-version:6.2
// Targets are listed in layer order: a target imports only from rows above it (Tests/TidyTests enforces it).
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A module of the engine. `path` is Sources/<name> unless it is given.
func module(
    _ name: String, _ dependencies: [Target.Dependency], path: String? = nil, exclude: [String] = [],
    sources: [String]? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: path ?? "Sources/\(name)", exclude: exclude, sources: sources,
        swiftSettings: strict)
}
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = [])
    -> Target
{
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, resources: resources,
        swiftSettings: strict)
}

let package = Package(
    name: "tidemill",
    products: [
        .executable(name: "tidemill", targets: ["tidemill"]),
        .executable(name: "tidemill-bench", targets: ["tidemill-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        // C shims: byte scanning with SIMD, CRC32C, system codecs.
        .target(name: "CTideKernels", path: "Sources/CTideKernels", cSettings: [.define("_GNU_SOURCE")]),
        .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZSTD", path: "Sources/CZSTD", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSnappy", path: "Sources/CSnappy", providers: [.apt(["libsnappy-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // Ids, errors, limits, seams.
        module("TideCore", ["CTideKernels", .product(name: "SystemPackage", package: "swift-system")]),
        // Types, columns, hashing, packed rows, text of values.
        module("TideColumns", ["TideCore", "CTideKernels"]),
        // Formats without streams.
        module(
            "TideText", ["TideColumns", "CTideKernels", "CZSTD", "CLZ4", "CSnappy", "CZlib"], path: "connectors/Text"),
        module("TideParquet", ["TideColumns", "CZSTD", "CLZ4", "CSnappy", "CZlib"], path: "connectors/Parquet"),
        // Text to syntax tree with spans.
        module("TideSQL", ["TideCore"]),
        // Functions, typed expressions, batch evaluation.
        module("TideExpressions", ["TideColumns", "TideSQL", "CTideKernels"]),
        // Source and sink contracts.
        module("TideConnectorAPI", ["TideColumns"], path: "connectors/API"),
        // Catalog, analysis, logical plan, optimizer, incrementalization.
        module("TidePlan", ["TideSQL", "TideExpressions", "TideConnectorAPI"]),
        // Epoch log, recovery decisions, runs.
        module("TideCheckpoints", ["TideColumns", "CLZ4", "CZSTD"], path: "checkpoints"),
        // Physical operators.
        module("TideOperators", ["TidePlan", "TideCheckpoints", "CTideKernels"]),
        // Plan to graph, epoch state machine, progress.
        module("TideEngine", ["TideOperators", "TideCheckpoints"]),
        // Directory source; Parquet tables; CSV copies.
        module(
            "TideConnectors", ["TideConnectorAPI", "TideText", "TideParquet"], path: "connectors",
            exclude: ["API", "Parquet", "Text"], sources: ["Sources", "Tables"]),
        // Projects, and the engine put together with its connectors.
        module("Tidemill", ["TideEngine", "TideConnectors", "TideText", .product(name: "Yams", package: "Yams")]),
        // Command line.
        .executableTarget(
            name: "tidemill",
            dependencies: ["Tidemill", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/tidemill", swiftSettings: strict),
        .executableTarget(
            name: "tidemill-bench",
            dependencies: [
                "Tidemill", "TideConnectors", "TideParquet", "TideText", "CTideKernels",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "benchmarks", exclude: ["epoch_cost.py", "nexmark", "peers", "tpch"],
            swiftSettings: strict),

        tests("TideTextTests", ["TideText", "TideColumns", "CTideKernels"], exclude: ["Packed", "Spark"]),
        tests("TideParquetTests", ["TideParquet"]),
        tests("TideSQLTests", ["TideSQL", "TideCore"], exclude: ["Fixtures"]),
        tests("TideExpressionsTests", ["TideExpressions", "TideSQL"], exclude: ["Oracle"]),
        tests("TidePlanTests", ["TidePlan"], exclude: ["Goldens"]),
        .target(name: "TideSimulation", dependencies: ["TideCore"], path: "Tests/Simulation", swiftSettings: strict),
        tests("TideCheckpointsTests", ["TideCheckpoints", "TideColumns", "TideSimulation"]),
        tests("TideConnectorsTests", ["TideConnectors", "TideText", "TideSimulation"]),
        tests("TideColumnsTests", ["TideColumns", "TideSimulation"]),
        // What the C allocator says about itself.
        .target(name: "CAllocator", path: "Tests/Allocator"),
        tests("TideOperatorsTests", ["TideOperators", "TideSimulation", "CAllocator", "CTideKernels"]),
        tests("TideEngineTests", ["TideEngine", "TideSimulation"]),
        tests("GoldenTests", ["Tidemill", "TideConnectors", "TideSimulation"]),
        // The whole engine on a simulated computer, and a program that runs it by seed.
        .target(
            name: "TideEngineSimulation", dependencies: ["Tidemill", "TideConnectors", "TideSimulation"],
            path: "Tests/EngineSimulation", swiftSettings: strict),
        .executableTarget(
            name: "tidemill-sim", dependencies: ["TideEngineSimulation"], path: "Tests/SimulationCommand",
            swiftSettings: strict),
        tests(
            "EngineSimulationTests", ["Tidemill", "TideConnectors", "TideSimulation", "TideEngineSimulation"]),
        // The built binary, as a user calls it: build the product tidemill first, or set TIDEMILL_BINARY.
        tests("CommandLineTests", []),
        tests("DocumentationTests", ["Tidemill"]),
        // Answers that Spark gave, in Tests/Peers/answers.
        tests("SparkAnswersTests", ["Tidemill", "TidePlan", "TideExpressions"]),
        tests("TidyTests", []),
    ],
    swiftLanguageModes: [.v6]
)
