import Glibc

/// What the kernel counts for this process.
enum ProcessFigures {
    /// Bytes handed to write calls.
    static func bytesWritten() -> Int { field("wchar:", in: "/proc/self/io") }

    private static func field(_ name: String, in path: String) -> Int {
        guard let file = fopen(path, "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let words = text.split { $0 == " " || $0 == "\n" || $0 == "\t" }
            if words.count > 1, words[0] == name { return Int(words[1]) ?? 0 }
        }
        return 0
    }
}
