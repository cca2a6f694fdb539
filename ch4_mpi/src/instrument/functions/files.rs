//! Files: what all ranks of a file call together. What one rank reads or writes by itself waits for no other rank.

use super::*;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_File_open(
    comm: MPI_Comm,
    name: *const c_char,
    mode: c_int,
    info: MPI_Info,
    file: *mut MPI_File,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    create_object("file", function!(MPI_File_open, Collective), comm, file, || unsafe {
        ffi::PMPI_File_open(comm, name, mode, info, file)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_File_close(file: *mut MPI_File) -> c_int {
    // SAFETY: the file is the program's own.
    let real = || unsafe { ffi::PMPI_File_close(file) };
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    free_object(function!(MPI_File_close, Collective), word(pointed(file)), real)
}

type Offset = ffi::MPI_Offset;

/// Collectives that are begun here and completed by their request.
macro_rules! begun {
    ($($name:ident $real:ident ($($arg:ident: $type:ty),*);)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(file: MPI_File, $($arg: $type,)* request: *mut MPI_Request) -> c_int {
            // SAFETY: the arguments are the program's own.
            let real = || unsafe { ffi::$real(file, $($arg,)* request) };
            if !ON.load(Relaxed) || is_inside() {
                return real();
            }
            begin(call_on_object(function!($name, Collective), word(file)), request, real)
        }
    )*};
}

begun! {
    MPI_File_iread_all PMPI_File_iread_all (b: Into, n: c_int, t: Type);
    MPI_File_iread_at_all PMPI_File_iread_at_all (at: Offset, b: Into, n: c_int, t: Type);
    MPI_File_iwrite_all PMPI_File_iwrite_all (b: Buffer, n: c_int, t: Type);
    MPI_File_iwrite_at_all PMPI_File_iwrite_at_all (at: Offset, b: Buffer, n: c_int, t: Type);
}

on_objects! {
    Collective MPI_File_set_size PMPI_File_set_size (file: MPI_File, size: Offset) file;
    Collective MPI_File_preallocate PMPI_File_preallocate (file: MPI_File, size: Offset) file;
    Collective MPI_File_sync PMPI_File_sync (file: MPI_File) file;
    Collective MPI_File_set_atomicity PMPI_File_set_atomicity (file: MPI_File, is_atomic: c_int) file;
    Collective MPI_File_seek_shared PMPI_File_seek_shared (file: MPI_File, offset: Offset, from: c_int) file;
    Collective MPI_File_set_view PMPI_File_set_view
        (file: MPI_File, at: Offset, element: Type, kind: Type, how: *const c_char, info: MPI_Info) file;
    Collective MPI_File_read_all PMPI_File_read_all (file: MPI_File, b: Into, n: c_int, t: Type, s: *mut MPI_Status) file;
    Collective MPI_File_read_at_all PMPI_File_read_at_all
        (file: MPI_File, at: Offset, b: Into, n: c_int, t: Type, s: *mut MPI_Status) file;
    Collective MPI_File_read_ordered PMPI_File_read_ordered
        (file: MPI_File, b: Into, n: c_int, t: Type, s: *mut MPI_Status) file;
    Collective MPI_File_write_all PMPI_File_write_all
        (file: MPI_File, b: Buffer, n: c_int, t: Type, s: *mut MPI_Status) file;
    Collective MPI_File_write_at_all PMPI_File_write_at_all
        (file: MPI_File, at: Offset, b: Buffer, n: c_int, t: Type, s: *mut MPI_Status) file;
    Collective MPI_File_write_ordered PMPI_File_write_ordered
        (file: MPI_File, b: Buffer, n: c_int, t: Type, s: *mut MPI_Status) file;
    Collective MPI_File_read_all_begin PMPI_File_read_all_begin (file: MPI_File, b: Into, n: c_int, t: Type) file;
    Collective MPI_File_read_all_end PMPI_File_read_all_end (file: MPI_File, b: Into, s: *mut MPI_Status) file;
    Collective MPI_File_read_at_all_begin PMPI_File_read_at_all_begin
        (file: MPI_File, at: Offset, b: Into, n: c_int, t: Type) file;
    Collective MPI_File_read_at_all_end PMPI_File_read_at_all_end (file: MPI_File, b: Into, s: *mut MPI_Status) file;
    Collective MPI_File_read_ordered_begin PMPI_File_read_ordered_begin (file: MPI_File, b: Into, n: c_int, t: Type) file;
    Collective MPI_File_read_ordered_end PMPI_File_read_ordered_end (file: MPI_File, b: Into, s: *mut MPI_Status) file;
    Collective MPI_File_write_all_begin PMPI_File_write_all_begin (file: MPI_File, b: Buffer, n: c_int, t: Type) file;
    Collective MPI_File_write_all_end PMPI_File_write_all_end (file: MPI_File, b: Buffer, s: *mut MPI_Status) file;
    Collective MPI_File_write_at_all_begin PMPI_File_write_at_all_begin
        (file: MPI_File, at: Offset, b: Buffer, n: c_int, t: Type) file;
    Collective MPI_File_write_at_all_end PMPI_File_write_at_all_end (file: MPI_File, b: Buffer, s: *mut MPI_Status) file;
    Collective MPI_File_write_ordered_begin PMPI_File_write_ordered_begin
        (file: MPI_File, b: Buffer, n: c_int, t: Type) file;
    Collective MPI_File_write_ordered_end PMPI_File_write_ordered_end (file: MPI_File, b: Buffer, s: *mut MPI_Status) file;
}
