import Foundation
import Testing

/// Package.swift lists targets in layer order; imports follow it.
struct LayeringTests {
    private struct Import {
        let file: String
        let module: String
        let isReexport: Bool
    }

    private func imports(of target: PackageTarget) throws -> [Import] {
        let statement = #/^\s*(@_exported )?(?:@testable |package |public |internal )?import (?:[a-z]+ )?(\w+)/#
        var found: [Import] = []
        for folder in target.folders {
            for file in try Repository.swiftFiles(in: [folder]) {
                for line in file.lines {
                    guard let match = line.firstMatch(of: statement) else { continue }
                    found.append(
                        Import(file: file.path, module: String(match.output.2), isReexport: match.output.1 != nil))
                }
            }
        }
        return found
    }

    private func hasSwift(_ target: PackageTarget) -> Bool {
        !target.name.hasPrefix("C") || target.name.hasSuffix("Tests")
    }

    @Test func packageListsItsTargets() throws {
        let targets = try PackageTargets()
        #expect(targets.all.count > 20)
        #expect(targets["TideConnectors"]?.folders == ["connectors/Sources", "connectors/Tables"])
        #expect(targets["TideCore"]?.dependencies == ["CTideKernels", "SystemPackage"])
        for target in targets.all {
            for folder in target.folders {
                #expect(Repository.exists(folder), "\(target.name) has no folder \(folder)")
            }
        }
    }

    @Test func dependenciesStandAbove() throws {
        let targets = try PackageTargets()
        for target in targets.all {
            for name in target.dependencies {
                guard let dependency = targets[name] else { continue }
                #expect(dependency.position < target.position, "\(target.name) stands above \(name), which it uses")
            }
        }
    }

    /// A module of ours is imported only by targets that name it, or that name one that hands it on.
    @Test func importsAreDeclared() throws {
        let targets = try PackageTargets()
        var reexports: [String: Set<String>] = [:]
        for target in targets.all where hasSwift(target) {
            let all = try imports(of: target)
            reexports[target.name] = Set(all.filter(\.isReexport).map(\.module))
            var reachable = Set<String>()
            var next = target.dependencies
            while let name = next.popLast() {
                if reachable.insert(name).inserted { next += reexports[name] ?? [] }
            }
            for one in all where targets[one.module] != nil {
                #expect(
                    reachable.contains(one.module),
                    "\(one.file) imports \(one.module), which Package.swift does not give to \(target.name)")
            }
        }
    }

    /// The engine does without Foundation, so that its start is quick and every system call goes through the seams.
    @Test func engineImportsNoFoundation() throws {
        let targets = try PackageTargets()
        let engine = [
            "TideCore", "TideColumns", "TideText", "TideParquet", "TideSQL", "TideExpressions", "TideConnectorAPI",
            "TidePlan", "TideCheckpoints", "TideOperators", "TideEngine", "TideConnectors",
        ]
        for name in engine {
            let target = try #require(targets[name], "Package.swift has no \(name)")
            for one in try imports(of: target) {
                #expect(
                    !one.module.hasPrefix("Foundation") && one.module != "Dispatch",
                    "\(one.file) imports \(one.module)")
            }
        }
    }

    /// Connectors are chosen by the front; the engine knows contracts only.
    @Test func engineKnowsNoConnector() throws {
        let targets = try PackageTargets()
        for name in ["TidePlan", "TideOperators", "TideEngine"] {
            let target = try #require(targets[name])
            for one in try imports(of: target) {
                #expect(
                    !["TideConnectors", "TideText", "TideParquet"].contains(one.module),
                    "\(one.file) imports \(one.module)")
            }
        }
    }
}
