//! Sends: blocking, begun, and persistent.

use super::*;

macro_rules! sends {
    ($($name:ident $real:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            buffer: *const c_void, count: c_int, datatype: MPI_Datatype, to: c_int, tag: c_int, comm: MPI_Comm,
        ) -> c_int {
            // SAFETY: the arguments are the program's own.
            note_message(function!($name, Send), (to, tag), comm, count, datatype, move || unsafe {
                ffi::$real(buffer, count, datatype, to, tag, comm)
            })
        }
    )*};
}

sends! {
    MPI_Bsend PMPI_Bsend;
    MPI_Ssend PMPI_Ssend;
    MPI_Rsend PMPI_Rsend;
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Send(
    buffer: *const c_void,
    count: c_int,
    datatype: MPI_Datatype,
    to: c_int,
    tag: c_int,
    comm: MPI_Comm,
) -> c_int {
    note_message(function!(MPI_Send, Send), (to, tag), comm, count, datatype, move || {
        // SAFETY: the arguments are the program's own.
        unsafe {
            if STRICT_SENDS.load(Relaxed) {
                ffi::PMPI_Ssend(buffer, count, datatype, to, tag, comm)
            } else {
                ffi::PMPI_Send(buffer, count, datatype, to, tag, comm)
            }
        }
    })
}

macro_rules! begun_sends {
    ($keep:path: $($name:ident $real:ident $strict:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            buffer: *const c_void, count: c_int, datatype: MPI_Datatype, to: c_int, tag: c_int, comm: MPI_Comm,
            request: *mut MPI_Request,
        ) -> c_int {
            let count_of_bytes = bytes_of(count, datatype);
            let call = Call {
                to: (to, tag), communicator: word(comm), count: count_of_bytes, ..Call::of(function!($name, Other))
            };
            // SAFETY: the arguments are the program's own.
            $keep(call, request, || unsafe {
                if STRICT_SENDS.load(Relaxed) {
                    ffi::$strict(buffer, count, datatype, to, tag, comm, request)
                } else {
                    ffi::$real(buffer, count, datatype, to, tag, comm, request)
                }
            })
        }
    )*};
}

begun_sends! { begin:
    MPI_Isend PMPI_Isend PMPI_Issend;
    MPI_Ibsend PMPI_Ibsend PMPI_Ibsend;
    MPI_Issend PMPI_Issend PMPI_Issend;
    MPI_Irsend PMPI_Irsend PMPI_Irsend;
}

begun_sends! { make:
    MPI_Send_init PMPI_Send_init PMPI_Ssend_init;
    MPI_Bsend_init PMPI_Bsend_init PMPI_Bsend_init;
    MPI_Ssend_init PMPI_Ssend_init PMPI_Ssend_init;
    MPI_Rsend_init PMPI_Rsend_init PMPI_Rsend_init;
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Buffer_detach(buffer: *mut c_void, size: *mut c_int) -> c_int {
    // SAFETY: the arguments are the program's own.
    note(&detach(), || unsafe { ffi::PMPI_Buffer_detach(buffer, size) })
}
