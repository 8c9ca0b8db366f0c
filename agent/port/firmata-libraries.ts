import firmataIo from 'firmata-io'
import Board from 'johnny-five/lib/board.js'

/** Loaded when a window's pad is a board, by nobody else: it costs 7 MiB and, on a small box, half a second. */
export const firmataLibraries = { Board, Firmata: firmataIo.Firmata }
