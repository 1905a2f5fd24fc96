//! The memory of a program that musl is linked into, for Rust and for C: dlmalloc takes it from the kernel in blocks of 64
//! KiB. musl's own `malloc` maps and unmaps single pages, which is a third of the system calls of a list and a fifth of its
//! time.

use dlmalloc::GlobalDlmalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;

#[global_allocator]
static HEAP: GlobalDlmalloc = GlobalDlmalloc;

/// C frees without saying how much: the size of a block is kept in front of what C gets, which is aligned for anything.
const FRONT: usize = 16;

/// That of a block for C; `None` for more than there can be.
fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(FRONT)?, FRONT).ok()
}

/// What C gets of a new block.
///
/// # Safety
/// `block` is one of this layout, from `HEAP`, or null.
unsafe fn inside(block: *mut u8, layout: Layout) -> *mut u8 {
    if block.is_null() {
        return block;
    }
    unsafe {
        block.cast::<usize>().write(layout.size());
        block.add(FRONT)
    }
}

/// The block of what C got.
///
/// # Safety
/// `given` came from `inside`, and is not freed yet.
unsafe fn block(given: *mut u8) -> (*mut u8, Layout) {
    unsafe {
        let block = given.sub(FRONT);
        (block, Layout::from_size_align_unchecked(block.cast::<usize>().read(), FRONT))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: usize) -> *mut u8 {
    let Some(layout) = layout(size) else { return null_mut() };
    unsafe { inside(HEAP.alloc(layout), layout) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
    let Some(layout) = count.checked_mul(size).and_then(layout) else { return null_mut() };
    unsafe { inside(HEAP.alloc_zeroed(layout), layout) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(given: *mut u8, size: usize) -> *mut u8 {
    if given.is_null() {
        return unsafe { malloc(size) };
    }
    let Some(new) = layout(size) else { return null_mut() };
    unsafe {
        let (block, old) = block(given);
        inside(HEAP.realloc(block, old, new.size()), new)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(given: *mut u8) {
    if !given.is_null() {
        unsafe {
            let (block, layout) = block(given);
            HEAP.dealloc(block, layout);
        }
    }
}

/// Nobody in this program asks for more than `malloc` gives.
#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut u8 {
    if alignment > FRONT { null_mut() } else { unsafe { malloc(size) } }
}
