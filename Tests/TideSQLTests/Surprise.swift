/// A tree of another shape than the test wants to look into.
struct Surprise: Error {
    let text: String
    init(_ text: String) { self.text = text }
}
