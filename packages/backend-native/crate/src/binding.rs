//! What JavaScript sees: `registers`, `names`, and `open`, which makes an engine and gives a function to call it by.
//!
//! The functions of Node-API are called as they are: what crosses here is one call without arguments, for which a wrapper would cost more than
//! the call itself.
use crate::engine::Engine;
use crate::kernels::table::{BINARY, REDUCE, UNARY, registers};
use crate::operations::OPERATIONS;
use napi_sys::*;
use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

/// What a function of an engine holds: the engine, until it is closed, and the words, which it keeps alive.
struct Held {
    engine: Option<Engine>,
    words: napi_ref,
}

unsafe fn text(env: napi_env, value: &str) -> napi_value {
    let mut result = null_mut();
    unsafe { napi_create_string_utf8(env, value.as_ptr().cast(), value.len() as isize, &mut result) };
    result
}

unsafe fn function(env: napi_env, name: &CStr, call: napi_callback, data: *mut c_void) -> napi_value {
    let mut result = null_mut();
    unsafe { napi_create_function(env, name.as_ptr(), -1, call, data, &mut result) };
    result
}

unsafe fn refuse(env: napi_env, message: &str) -> napi_value {
    let message = std::ffi::CString::new(message).unwrap_or_default();
    unsafe { napi_throw_error(env, null_mut(), message.as_ptr()) };
    null_mut()
}

/// The one call: the words say what is to be done.
unsafe extern "C" fn call(env: napi_env, info: napi_callback_info) -> napi_value {
    let mut data = null_mut();
    unsafe {
        napi_get_cb_info(env, info, null_mut(), null_mut(), null_mut(), &mut data);
        if let Some(engine) = (*data.cast::<Held>()).engine.as_mut() {
            engine.call();
        }
    }
    null_mut()
}

/// The same with an array that the operation reads or fills.
unsafe extern "C" fn call_with(env: napi_env, info: napi_callback_info) -> napi_value {
    let mut data = null_mut();
    let mut count = 1;
    let mut array = null_mut();
    unsafe {
        napi_get_cb_info(env, info, &mut count, &mut array, null_mut(), &mut data);
        let (mut kind, mut length, mut at) = (0, 0, null_mut());
        let status = napi_get_typedarray_info(env, array, &mut kind, &mut length, &mut at, null_mut(), null_mut());
        if count != 1 || status != Status::napi_ok {
            return refuse(env, "expected a typed array");
        }
        let size = match kind {
            TypedarrayType::int8_array | TypedarrayType::uint8_array | TypedarrayType::uint8_clamped_array => 1,
            TypedarrayType::int16_array | TypedarrayType::uint16_array => 2,
            TypedarrayType::float64_array | TypedarrayType::bigint64_array | TypedarrayType::biguint64_array => 8,
            _ => 4,
        };
        if let Some(engine) = (*data.cast::<Held>()).engine.as_mut() {
            engine.given = (at.cast(), length * size);
            engine.call();
            engine.given = (null_mut(), 0);
        }
    }
    null_mut()
}

/// Frees all that the engine holds and ends its threads.
unsafe extern "C" fn close(env: napi_env, info: napi_callback_info) -> napi_value {
    let mut data = null_mut();
    unsafe {
        napi_get_cb_info(env, info, null_mut(), null_mut(), null_mut(), &mut data);
        (*data.cast::<Held>()).engine = None;
    }
    null_mut()
}

/// Runs when nobody has the functions any more, or the environment ends.
unsafe extern "C" fn forget(env: napi_env, data: *mut c_void, _hint: *mut c_void) {
    unsafe {
        let held = Box::from_raw(data.cast::<Held>());
        napi_delete_reference(env, held.words);
    }
}

unsafe fn number(env: napi_env, value: napi_value) -> f64 {
    let mut result = 0.0;
    unsafe { napi_get_value_double(env, value, &mut result) };
    result
}

/// `open(words: ArrayBuffer, threads, registers, strict, limit)` -> `{ call, callWith, close }`; `registers` by its place in the list.
unsafe extern "C" fn open(env: napi_env, info: napi_callback_info) -> napi_value {
    let mut count = 5;
    let mut given = [null_mut(); 5];
    unsafe {
        napi_get_cb_info(env, info, &mut count, given.as_mut_ptr(), null_mut(), null_mut());
        let (mut at, mut bytes) = (null_mut(), 0);
        if count != 5 || napi_get_arraybuffer_info(env, given[0], &mut at, &mut bytes) != Status::napi_ok || bytes < 4096 {
            return refuse(env, "expected open(words, threads, registers, strict, limit)");
        }
        let [threads, place, strict, limit] = [1, 2, 3, 4].map(|i| number(env, given[i]));
        let list = registers();
        let name = list.get(place as usize).copied().unwrap_or("plain");
        let made =
            catch_unwind(AssertUnwindSafe(|| Engine::new(at.cast(), bytes / 8, threads as usize, name, strict != 0.0, limit as usize)));
        let Ok(engine) = made else {
            return refuse(env, "the engine cannot be made");
        };
        let mut words = null_mut();
        napi_create_reference(env, given[0], 1, &mut words);
        let held = Box::into_raw(Box::new(Held { engine: Some(engine), words })).cast::<c_void>();
        let mut result = null_mut();
        napi_create_object(env, &mut result);
        // The object's finalizer frees what the functions hold; each of them keeps the object.
        for (name, call) in [(c"call", call as unsafe extern "C" fn(_, _) -> _), (c"callWith", call_with), (c"close", close)] {
            let made = function(env, name, Some(call), held);
            napi_set_named_property(env, result, name.as_ptr(), made);
            napi_set_named_property(env, made, c"engine".as_ptr(), result);
        }
        napi_add_finalizer(env, result, held, Some(forget), null_mut(), null_mut());
        result
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn napi_register_module_v1(env: napi_env, exports: napi_value) -> napi_value {
    // The functions of Node-API are looked up in the running process, so that no platform needs flags to link.
    unsafe {
        napi_sys::setup();
    }
    // A panic becomes an error of JavaScript, which says what happened; nothing is printed.
    std::panic::set_hook(Box::new(|_| {}));
    let operations: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
    let lists = [
        (c"operations", operations.join(" ")),
        (c"unary", UNARY.join(" ")),
        (c"binary", BINARY.join(" ")),
        (c"reduce", REDUCE.join(" ")),
        (c"registers", registers().join(" ")),
    ];
    unsafe {
        for (name, list) in &lists {
            napi_set_named_property(env, exports, name.as_ptr(), text(env, list));
        }
        napi_set_named_property(env, exports, c"open".as_ptr(), function(env, c"open", Some(open), null_mut()));
    }
    exports
}

#[unsafe(no_mangle)]
extern "C" fn node_api_module_get_api_version_v1() -> i32 {
    8
}
