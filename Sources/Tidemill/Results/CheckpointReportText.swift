// What `tidemill checkpoint verify` prints.

extension CheckpointReport {
    public func text(_ place: String) -> String {
        var lines = ""
        for problem in problems {
            lines += "\(problem.severity == .damage ? "damage" : "leftover"): \(problem)\n"
        }
        let read =
            "\(counted(segments, "segment")), \(counted(frames, "frame")),"
            + " \(counted(runs, "run")), \(counted(blocks, "block")), \(Quantity.bytes(bytes))"
        return lines + "\(place): \(damage.isEmpty ? "sound" : "damaged") (\(read))\n"
    }

    /// One JSON object.
    public func json() -> String {
        var out = JSONText()
        out.object { out in
            out.key("sound")
            out.boolean(damage.isEmpty)
            for (name, value) in [("segments", segments), ("frames", frames), ("runs", runs), ("blocks", blocks)] {
                out.key(name)
                out.integer(value)
            }
            out.key("bytes")
            out.integer(bytes)
            out.key("problems")
            out.array { out in
                for problem in problems {
                    out.object { out in
                        out.key("severity")
                        out.string(problem.severity == .damage ? "damage" : "leftover")
                        out.key("file")
                        out.string(problem.file)
                        out.key("offset")
                        out.integer(problem.offset)
                        out.key("message")
                        out.string(problem.message)
                    }
                }
            }
        }
        return out.text + "\n"
    }
}
