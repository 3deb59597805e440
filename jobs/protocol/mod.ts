/** To be filled. @module */
export {};
