import Yams

/// Spark's `spark-pipeline.yml`. Unlike Spark, `storage` may be missing or relative.
struct PipelineSpec {
    var name: String?
    var storage: String?
    var database: String?
    var configuration: [String: String] = [:]
    var includes: [String] = []

    private static let fields = ["name", "storage", "catalog", "database", "schema", "configuration", "libraries"]

    static func parse(_ text: String, file: String) throws(TidemillError) -> PipelineSpec {
        func invalid(_ message: String, _ line: Int?, hint: String? = nil) -> TidemillError {
            TidemillError(.user, "TIDEMILL_INVALID_SPEC", message, hint: hint, place: .file(file, line: line))
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw invalid("the file is not valid YAML: \(error)", nil)
        } catch {
            throw invalid("the file is not valid YAML", nil)
        }
        guard let root else { throw invalid("the spec is empty", 1, hint: "it needs at least a name and libraries") }
        guard let mapping = root.mapping else { throw invalid("the spec must be a mapping", root.mark?.line) }
        var spec = PipelineSpec()
        for (keyNode, value) in mapping {
            let key = keyNode.string ?? ""
            let line = keyNode.mark?.line
            switch key {
            case "name": spec.name = value.string
            case "storage": spec.storage = value.string
            case "catalog": break
            case "database", "schema": spec.database = value.string
            case "configuration":
                guard let pairs = value.mapping else { throw invalid("configuration must be a mapping", line) }
                for (name, setting) in pairs {
                    guard let name = name.string, let text = setting.scalar?.string else {
                        throw invalid("values under configuration must be text", setting.mark?.line)
                    }
                    spec.configuration[name] = text
                }
            case "libraries":
                guard let list = value.sequence else { throw invalid("libraries must be a list", line) }
                for item in list {
                    guard let include = item.mapping?["glob"]?.mapping?["include"]?.string else {
                        throw invalid(
                            "a library must name files", item.mark?.line,
                            hint: "write - glob: with include: transformations/** below it")
                    }
                    spec.includes.append(include)
                }
            default:
                throw invalid(
                    "unknown field: \(key)", line,
                    hint: closestName(to: key, among: fields).map { "did you mean \($0)?" }
                        ?? "known are \(fields.joined(separator: ", "))")
            }
        }
        return spec
    }
}
