o/a\ b.d: src/lib.rs a\ b.rs /w\ w/c.rs /c/d.rs

o/liba.rlib: src/lib.rs

src/lib.rs:
a\ b.rs:

# env-dep:A=b\nc\\d
# env-dep:B
# checksum:blake3=ab file_len:1 src/lib.rs
