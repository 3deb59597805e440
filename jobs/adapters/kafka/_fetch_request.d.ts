/** Encodes the request in each of its versions. */
declare const fetchRequest: object;
export default fetchRequest;
