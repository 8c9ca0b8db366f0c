/** The common name of the collector's own certificate; no box may be called so, and no hall. */
export const COLLECTOR_NAME = 'collector'

/** Where a box belongs that was enrolled into no hall by name. */
export const DEFAULT_HALL = 'default'
