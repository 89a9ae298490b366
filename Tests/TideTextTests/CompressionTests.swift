import Foundation
import Testing
import TideColumns

@testable import TideText

/// Files that Spark 4.3 (a.…) and pyarrow (b.…) packed: 300 lines.
struct CompressionTests {
    static let names = [
        "a.txt.gz", "a.txt.deflate", "a.txt.lz4", "a.txt.snappy", "b.txt.lz4", "b.txt.zst", "b.txt.gz",
    ]
    static let expected = (0..<300).map { "line \($0)" + String(repeating: "-", count: 40) }

    private func packed(_ name: String) throws -> [UInt8] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Packed/\(name)")
        return Array(try Data(contentsOf: path))
    }

    private func lines(_ bytes: [UInt8], _ name: String, chunkBytes: Int = 1000) throws -> [String] {
        let file = try DecompressedFile(
            BytesFile(bytes, path: FilePath(name)), try #require(TextCompression(name: name)))
        let reader = try LineReader(file: file, columns: [0], options: LineReadOptions(), chunkBytes: chunkBytes)
        var all: [String] = []
        while let batch = try reader.next() {
            for row in 0..<batch.count { all.append(try #require(batch.columns[0].scalar(row).string)) }
        }
        return all
    }

    @Test(arguments: names) func unpacks(_ name: String) throws {
        for chunkBytes in [16, 1000, 1 << 20] {
            #expect(try lines(packed(name), name, chunkBytes: chunkBytes) == CompressionTests.expected)
        }
    }

    /// Two packed files one behind the other are the text of both, as for gunzip and zstd.
    @Test(arguments: ["a.txt.gz", "b.txt.lz4", "b.txt.zst", "a.txt.snappy"]) func unpacksSeveralMembers(
        _ name: String
    ) throws {
        let bytes = try packed(name)
        #expect(try lines(bytes + bytes, name) == CompressionTests.expected + CompressionTests.expected)
    }

    @Test(arguments: names) func noticesMissingBytes(_ name: String) throws {
        let bytes = try packed(name)
        for missing in [1, 5, bytes.count / 2, bytes.count - 1] {
            let error = #expect(throws: TidemillError.self) { try lines(Array(bytes.dropLast(missing)), name) }
            #expect(error?.code == "TIDEMILL_BAD_COMPRESSED_FILE")
        }
    }

    /// Damage gives an error or other lines, never a crash.
    @Test(arguments: names) func survivesDamage(_ name: String) throws {
        let bytes = try packed(name)
        var random = SeededRandom(state: 3)
        for _ in 0..<200 {
            var damaged = bytes
            for _ in 0..<3 {
                damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do { _ = try lines(damaged, name) } catch let error as TidemillError { #expect(error.kind == .data) }
        }
    }

    @Test func anEmptyFileIsNoText() throws {
        for name in ["x.gz", "x.zst", "x.lz4", "x.snappy"] { #expect(try lines([], name) == []) }
    }
}
