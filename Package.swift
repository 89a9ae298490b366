// swift-tools-version:6.2
// Targets are listed in layer order: a target imports only from rows above it (Tests/TidyTests enforces it).
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "tidemill",
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
    ],
    targets: [
        // C shims: byte scanning with SIMD, CRC32C, system codecs.
        .target(name: "CTideKernels", path: "Sources/CTideKernels", cSettings: [.define("_GNU_SOURCE")]),
        .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZSTD", path: "Sources/CZSTD", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        // snappy's pkg-config file is missing on some distributions; the module map links it.
        .systemLibrary(name: "CSnappy", path: "Sources/CSnappy", providers: [.apt(["libsnappy-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // Ids, errors, limits, seams.
        .target(
            name: "TideCore",
            dependencies: ["CTideKernels", .product(name: "SystemPackage", package: "swift-system")],
            path: "Sources/TideCore", swiftSettings: strict),
        // Columns and kernels.
        .target(
            name: "TideColumns", dependencies: ["TideCore", "CTideKernels"],
            path: "Sources/TideColumns", swiftSettings: strict),
        // Formats, without streams.
        .target(
            name: "TideText", dependencies: ["TideColumns", "CTideKernels"],
            path: "connectors/Text", swiftSettings: strict),
        .target(
            name: "TideParquet", dependencies: ["TideColumns", "CZSTD", "CLZ4", "CSnappy", "CZlib"],
            path: "connectors/Parquet", swiftSettings: strict),
        // Text to syntax tree with spans.
        // (TideSQL)
        // Typed expressions, functions, batch evaluation.
        .target(
            name: "TideExpressions", dependencies: ["TideColumns", "CTideKernels"],
            path: "Sources/TideExpressions", swiftSettings: strict),
        // Source and sink contracts.
        .target(
            name: "TideConnectorAPI", dependencies: ["TideColumns"],
            path: "connectors/API", swiftSettings: strict),
        .target(
            name: "TidePlan", dependencies: ["TideExpressions", "TideConnectorAPI"],
            path: "Sources/TidePlan", swiftSettings: strict),
        // The durable side of epochs: log, runs, snapshots, recovery.
        .target(
            name: "TideCheckpoints", dependencies: ["TideColumns", "CLZ4", "CZSTD"],
            path: "checkpoints", swiftSettings: strict),
        // Physical operators.
        .target(
            name: "TideOperators", dependencies: ["TidePlan"],
            path: "Sources/TideOperators", swiftSettings: strict),
        // Directory sources; stored tables.
        .target(
            name: "TideConnectors", dependencies: ["TideConnectorAPI", "TideParquet", "TideText"],
            path: "connectors", exclude: ["API", "Parquet", "Text"], sources: ["Sources", "Tables"],
            swiftSettings: strict),

        // A simulated disk, clock and executor, for tests.
        .target(
            name: "TideSimulation", dependencies: ["TideCore"], path: "Tests/Simulation", swiftSettings: strict),
        .testTarget(
            name: "TideExpressionsTests", dependencies: ["TideExpressions"],
            path: "Tests/TideExpressionsTests", exclude: ["Oracle"], swiftSettings: strict),
        .testTarget(
            name: "TideParquetTests", dependencies: ["TideParquet"], path: "Tests/TideParquetTests",
            swiftSettings: strict),
        .testTarget(
            name: "TideTextTests", dependencies: ["TideText", "TideColumns"],
            path: "Tests/TideTextTests", swiftSettings: strict),
        .testTarget(
            name: "TideCheckpointsTests", dependencies: ["TideCheckpoints", "TideSimulation"],
            path: "Tests/TideCheckpointsTests", swiftSettings: strict),
        .testTarget(
            name: "TideConnectorsTests", dependencies: ["TideConnectors", "TideSimulation"],
            path: "Tests/TideConnectorsTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
