import Glibc

// Values beside a key: the image of a row (see `RowLayout`) in another row's value area. Long strings lie in an arena
// of the values' own, since those of keys live as long as the key.

extension KeyImages {
    /// Writes image `index` to `area`, over one that is there or over zeros.
    /// - Parameter area: `layout.imageBytes` bytes, 8-byte aligned.
    public func store(_ index: Int, at area: UnsafeMutableRawPointer, in arena: RowArena) {
        precondition(index < count)
        layout.forget(area, in: arena)
        memcpy(area, images.base + index * layout.imageBytes, layout.imageBytes)
        for key in layout.stringKeys {
            let field = area + layout.keyOffsets[key]
            let view = field.loadUnaligned(as: StringView.self)
            if view.isInline { continue }
            field.storeBytes(
                of: arena.append(heap.bases[view.bufferIndex] + view.offset, view.length), as: StringView.self)
        }
    }
}

extension RowLayout {
    /// Tells the arena that the image's strings are gone.
    public func forget(_ area: UnsafeRawPointer, in arena: RowArena) {
        for key in stringKeys { arena.forget(area.loadUnaligned(fromByteOffset: keyOffsets[key], as: StringView.self)) }
    }

    /// Moves the image's long strings from one arena to another.
    public func move(_ area: UnsafeMutableRawPointer, from old: RowArena, to new: RowArena) {
        for key in stringKeys {
            let field = area + keyOffsets[key]
            let view = field.loadUnaligned(as: StringView.self)
            if view.isInline { continue }
            field.storeBytes(
                of: new.append(old.bases[view.bufferIndex] + view.offset, view.length), as: StringView.self)
        }
    }
}
