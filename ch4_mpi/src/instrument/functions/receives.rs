//! Receives and probes.

use super::*;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Recv(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> c_int {
    if !RECORDS.load(Relaxed) {
        // SAFETY: the arguments are the program's own.
        return note_message(function!(MPI_Recv, Receive), (from, tag), comm, count, datatype, move || unsafe {
            ffi::PMPI_Recv(buffer, count, datatype, from, tag, comm, status)
        });
    }
    let call = receive_call(function!(MPI_Recv, Receive), count, datatype, from, tag, comm);
    recorded::with_status(status, |status| {
        // SAFETY: as above; the status is the program's or one of this call.
        let result = note(&call, || unsafe { ffi::PMPI_Recv(buffer, count, datatype, from, tag, comm, status) });
        recorded::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Irecv(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    request: *mut MPI_Request,
) -> c_int {
    let call = receive_call(function!(MPI_Irecv, Other), count, datatype, from, tag, comm);
    // SAFETY: the arguments are the program's own.
    begin(call, request, || unsafe { ffi::PMPI_Irecv(buffer, count, datatype, from, tag, comm, request) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Sendrecv(
    send: *const c_void,
    send_count: c_int,
    send_type: MPI_Datatype,
    to: c_int,
    send_tag: c_int,
    receive: *mut c_void,
    receive_count: c_int,
    receive_type: MPI_Datatype,
    from: c_int,
    receive_tag: c_int,
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call {
        to: (to, send_tag),
        from: (from, receive_tag),
        communicator: word(comm),
        count: send_count,
        datatype: word(send_type),
        ..Call::of(function!(MPI_Sendrecv, SendReceive))
    };
    recorded::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        let result = note(&call, || unsafe {
            ffi::PMPI_Sendrecv(
                send,
                send_count,
                send_type,
                to,
                send_tag,
                receive,
                receive_count,
                receive_type,
                from,
                receive_tag,
                comm,
                status,
            )
        });
        recorded::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Sendrecv_replace(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    to: c_int,
    send_tag: c_int,
    from: c_int,
    receive_tag: c_int,
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call {
        to: (to, send_tag),
        from: (from, receive_tag),
        communicator: word(comm),
        count,
        datatype: word(datatype),
        ..Call::of(function!(MPI_Sendrecv_replace, SendReceive))
    };
    recorded::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        let result = note(&call, || unsafe {
            ffi::PMPI_Sendrecv_replace(buffer, count, datatype, to, send_tag, from, receive_tag, comm, status)
        });
        recorded::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Probe(from: c_int, tag: c_int, comm: MPI_Comm, status: *mut MPI_Status) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Probe, Receive)) };
    // SAFETY: the arguments are the program's own.
    note(&call, || unsafe { ffi::PMPI_Probe(from, tag, comm, status) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Iprobe(
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    flag: *mut c_int,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Iprobe, Other)) };
    // SAFETY: the arguments are the program's own.
    note(&call, || unsafe { ffi::PMPI_Iprobe(from, tag, comm, flag, status) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Mprobe(
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    message: *mut MPI_Message,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Mprobe, Receive)) };
    recorded::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        let result = note(&call, || unsafe { ffi::PMPI_Mprobe(from, tag, comm, message, status) });
        // The message is this rank's from now on, so it counts as received.
        recorded::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Improbe(
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    flag: *mut c_int,
    message: *mut MPI_Message,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Improbe, Other)) };
    recorded::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        unsafe {
            let result = note(&call, || ffi::PMPI_Improbe(from, tag, comm, flag, message, status));
            if *flag != 0 {
                recorded::received(&call, status);
            }
            result
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Mrecv(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    message: *mut MPI_Message,
    status: *mut MPI_Status,
) -> c_int {
    // It has been matched, so it waits only for the transfer.
    // SAFETY: the arguments are the program's own.
    note(&Call::of(function!(MPI_Mrecv, Other)), || unsafe {
        ffi::PMPI_Mrecv(buffer, count, datatype, message, status)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Imrecv(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    message: *mut MPI_Message,
    request: *mut MPI_Request,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    begin(Call::of(function!(MPI_Imrecv, Other)), request, || unsafe {
        ffi::PMPI_Imrecv(buffer, count, datatype, message, request)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Recv_init(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    request: *mut MPI_Request,
) -> c_int {
    let call = receive_call(function!(MPI_Recv_init, Other), count, datatype, from, tag, comm);
    // SAFETY: the arguments are the program's own.
    make(call, request, || unsafe { ffi::PMPI_Recv_init(buffer, count, datatype, from, tag, comm, request) })
}
