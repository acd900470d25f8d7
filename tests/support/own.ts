import { type OwnUserId, Principal } from '#principal/principal.ts'

/** The id of a user, as a principal who may act for everybody has it. */
export const own = (userId: string) => Principal.unrestricted.own(userId) as OwnUserId
