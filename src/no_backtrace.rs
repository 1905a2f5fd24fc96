//! For the static file alone, which has no unwinding tables: what the standard library asks for the frames of a backtrace,
//! and what would unwind. There are no frames, so that the reader of debug information is left out by the compiler.

use std::process::abort;

/// `_URC_END_OF_STACK` of the Itanium C++ ABI.
const END_OF_STACK: i32 = 5;

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_each: *const (), _with: *mut ()) -> i32 {
    END_OF_STACK
}

/// A panic ends the process: nobody calls these.
macro_rules! never {
    ($($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            abort()
        }
    )* };
}

never! {
    _Unwind_GetDataRelBase _Unwind_GetIP _Unwind_GetIPInfo _Unwind_GetLanguageSpecificData _Unwind_GetRegionStart
    _Unwind_GetTextRelBase _Unwind_Resume _Unwind_SetGR _Unwind_SetIP
}
