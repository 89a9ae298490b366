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

        // Ids, errors, limits, seams.
        .target(
            name: "TideCore",
            dependencies: ["CTideKernels", .product(name: "SystemPackage", package: "swift-system")],
            path: "Sources/TideCore", swiftSettings: strict),
        // Columns and kernels.
        .target(
            name: "TideColumns", dependencies: ["TideCore", "CTideKernels"],
            path: "Sources/TideColumns", swiftSettings: strict),
        // The durable side of epochs: log, runs, snapshots, recovery.
        .target(
            name: "TideCheckpoints", dependencies: ["TideColumns", "CLZ4", "CZSTD"],
            path: "checkpoints", swiftSettings: strict),

        // A simulated disk, clock and executor, for tests.
        .target(
            name: "TideSimulation", dependencies: ["TideCore"], path: "Tests/Simulation", swiftSettings: strict),
        .testTarget(
            name: "TideCheckpointsTests", dependencies: ["TideCheckpoints", "TideSimulation"],
            path: "Tests/TideCheckpointsTests", swiftSettings: strict),
        // Source and sink contracts.
        .target(
            name: "TideConnectorAPI", dependencies: ["TideColumns"],
            path: "connectors/API", swiftSettings: strict),

        // Typed expressions, functions, batch evaluation.
        .target(
            name: "TideExpressions", dependencies: ["TideColumns", "CTideKernels"],
            path: "Sources/TideExpressions", swiftSettings: strict),
        // SQL text to syntax tree; knows no types and no catalog.
        .target(name: "TideSQL", dependencies: ["TideCore"], path: "Sources/TideSQL", swiftSettings: strict),
        // Catalog, analysis, logical plan, optimizer, streaming rules, EXPLAIN.
        .target(
            name: "TidePlan", dependencies: ["TideSQL", "TideExpressions", "TideConnectorAPI"],
            path: "Sources/TidePlan", swiftSettings: strict),
        // Physical operators.
        .target(
            name: "TideOperators", dependencies: ["TidePlan"],
            path: "Sources/TideOperators", swiftSettings: strict),

        .testTarget(
            name: "TideSQLTests", dependencies: ["TideSQL", "TideCore"], path: "Tests/TideSQLTests",
            swiftSettings: strict),
        .testTarget(
            name: "TideExpressionsTests", dependencies: ["TideExpressions"],
            path: "Tests/TideExpressionsTests", exclude: ["Oracle"], swiftSettings: strict),
        .testTarget(
            name: "TidePlanTests", dependencies: ["TidePlan"], path: "Tests/TidePlanTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
